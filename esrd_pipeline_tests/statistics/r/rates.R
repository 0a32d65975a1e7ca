# Witness of rates.py and facility_rates.py: Poisson regression with one dummy per cell.
# Run from this folder: Rscript rates.R    Writes rates.csv (made here, seeded) and rates.json.
# Needs jsonlite. Sandwiches are computed by hand: bread and filling clustered by patient, HC0.

set.seed(20270101)
rows <- 1500
facilities <- 20
intervals <- 3
patients <- 420
patient <- sample.int(patients, rows, replace = TRUE) - 1L
home <- sample.int(facilities, patients, replace = TRUE) - 1L
moved <- runif(rows) < 0.1
facility <- ifelse(moved, sample.int(facilities, rows, replace = TRUE) - 1L, home[patient + 1])
interval <- sample.int(intervals, rows, replace = TRUE) - 1L
age <- round(rnorm(rows, 0, 12) * 4) / 4
diabetes <- rbinom(rows, 1, 0.45)
heart <- rbinom(rows, 1, 0.3)
exposure <- sample(5:366, rows, replace = TRUE)
frailty <- rgamma(patients, 2, 2)[patient + 1]
level <- rgamma(facilities, 20, 20)[facility + 1]
rate <- c(2.4, 1.8, 1.5)[interval + 1] / 365.25 * frailty * level *
  exp(0.02 * age + 0.3 * diabetes + 0.5 * heart)
events <- rpois(rows, rate * exposure)
events[facility == 19] <- 0L
events[facility == 7 & interval == 2] <- 0L
data <- data.frame(facility, interval, patient, age, diabetes, heart, exposure, events)
write.csv(data, "rates.csv", row.names = FALSE, quote = FALSE)

sandwich_by <- function(x, residual, weight, cluster) {
  bread <- solve(crossprod(x, x * weight))
  filling <- crossprod(rowsum(x * residual, cluster))
  bread %*% filling %*% bread
}
tight <- glm.control(epsilon = 1e-15, maxit = 100)

# Stage 1: cells (facility x interval) without events say nothing about the covariates.
data$cell <- facility * intervals + interval
used <- ave(events, data$cell, FUN = sum) > 0
stage1 <- glm(events ~ 0 + age + diabetes + heart + factor(cell),
  family = poisson, offset = log(exposure), data = data[used, ],
  control = tight
)
x <- model.matrix(stage1)
mu <- fitted(stage1)
terms <- 1:3
robust <- sandwich_by(x, events[used] - mu, mu, patient[used])[terms, terms]
model <- solve(crossprod(x, x * mu))[terms, terms]

# Stage 2: one rate per interval, the relative risk as an offset, all rows.
risk <- exp(as.matrix(data[, c("age", "diabetes", "heart")]) %*% coef(stage1)[terms])[, 1]
baseline <- tapply(events, interval, sum) / tapply(exposure * risk, interval, sum)
expected <- baseline[interval + 1] * exposure * risk

# Facilities: patients within facility, one intercept each. The facility without events is left
# to the deviance's degrees of freedom (its fitted mean and deviance are zero).
pair <- aggregate(cbind(events, expected), list(facility = facility, patient = patient), sum)
some <- pair$facility != 19
fit <- glm(events ~ 0 + factor(facility),
  family = quasipoisson, offset = log(expected),
  data = pair[some, ], control = tight
)
scale <- deviance(fit) / (nrow(pair) - facilities)
theta_error <- summary(fit, dispersion = scale)$coefficients[, "Std. Error"]

jsonlite::write_json(list(
  coefficients = unname(coef(stage1)[terms]),
  model_covariance = unname(model),
  robust_covariance = unname(robust),
  log_likelihood = as.numeric(logLik(stage1)),
  rows_used = sum(used),
  cells_without_events = length(unique(data$cell)) - length(unique(data$cell[used])),
  baseline = as.vector(baseline),
  expected_by_facility = as.vector(tapply(expected, facility, sum)),
  theta = unname(coef(fit)),
  theta_error = unname(theta_error),
  scale = scale
), "rates.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
