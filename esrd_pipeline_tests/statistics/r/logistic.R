# Witness of logistic.py: logistic regression with one dummy per cell.
# Run from this folder: Rscript logistic.R    Writes logistic.csv (made here, seeded), logistic.json.
# Needs jsonlite. The sandwich is computed by hand: bread and filling clustered by patient, HC0.

set.seed(20270201)
rows <- 1600
cells <- 60
patients <- 500
cell <- sample(c(0:49, rep(50:59, 2)), rows, replace = TRUE)
cell[1:110] <- 0L
cell[cell >= 55 & runif(rows) < 0.8] <- 1L
patient <- sample.int(patients, rows, replace = TRUE) - 1L
age <- round(rnorm(rows, 0.3 * (cell %% 5), 12) * 4) / 4
diabetes <- rbinom(rows, 1, 0.45)
stay <- sample(1:4, rows, replace = TRUE)
offset <- round(rnorm(rows, 0, 0.3) * 64) / 64
frailty <- rnorm(patients, 0, 0.5)[patient + 1]
level <- rnorm(cells, -1, 0.6)[cell + 1]
predictor <- level + frailty + offset + 0.02 * age + 0.4 * diabetes - 0.25 * stay
outcome <- rbinom(rows, 1, plogis(predictor))
outcome[cell == 3] <- 0L
outcome[cell == 4] <- 1L
data <- data.frame(cell, patient, age, diabetes, stay, offset, outcome)
write.csv(data, "logistic.csv", row.names = FALSE, quote = FALSE)

size <- ave(outcome, cell, FUN = length)
share <- ave(outcome, cell, FUN = mean)
used <- size > 10 & share > 0 & share < 1
kept <- data[used, ]
fit <- glm(outcome ~ 0 + age + diabetes + stay + factor(cell),
  family = binomial, offset = offset, data = kept,
  control = glm.control(epsilon = 1e-15, maxit = 100)
)
x <- model.matrix(fit)
p <- fitted(fit)
bread <- solve(crossprod(x, x * p * (1 - p)))
filling <- crossprod(rowsum(x * (kept$outcome - p), kept$patient))
terms <- 1:3
count_cells <- function(which) length(unique(cell[which]))

jsonlite::write_json(list(
  coefficients = unname(coef(fit)[terms]),
  model_covariance = unname(bread[terms, terms]),
  robust_covariance = unname((bread %*% filling %*% bread)[terms, terms]),
  log_likelihood = as.numeric(logLik(fit)),
  cells = sort(unique(kept$cell)),
  effects = unname(coef(fit)[-terms]),
  effect_errors = unname(sqrt(diag(bread)))[-terms],
  rows_used = sum(used),
  small = c(count_cells(size <= 10), sum(size <= 10)),
  without_events = c(count_cells(size > 10 & share == 0), sum(size > 10 & share == 0)),
  without_non_events = c(count_cells(size > 10 & share == 1), sum(size > 10 & share == 1))
), "logistic.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
