# Witness of gee.py and gee_facilities.py: geepack, exchangeable correlation within patient.
# Run from this folder: Rscript gee.R    Writes gee.csv (made here, seeded) and gee.json.
# Needs geepack and jsonlite.

suppressMessages(library(geepack))
set.seed(20270102)
patients <- 260
facilities <- 14
months <- sample(1:10, patients, replace = TRUE)
patient <- rep(seq_len(patients) - 1L, months)
rows <- length(patient)
home <- sample.int(facilities, patients, replace = TRUE) - 1L
moved <- runif(rows) < 0.12
facility <- ifelse(moved, sample.int(facilities, rows, replace = TRUE) - 1L, home[patient + 1])
age <- round(rnorm(patients) * 8)[patient + 1] / 8 + round(runif(rows) * 4) / 8
diabetes <- rbinom(patients, 1, 0.45)[patient + 1]
duration <- sample(0:3, rows, replace = TRUE)
person <- rnorm(patients, 0, 1.2)[patient + 1]
level <- rnorm(facilities, -0.3, 0.5)[facility + 1]
outcome <- rbinom(
  rows, 1,
  plogis(level + 0.4 * age - 0.5 * diabetes + 0.15 * duration + person)
)
outcome[facility == 12] <- 0L
outcome[facility == 13] <- 1L
data <- data.frame(patient, facility, age, diabetes, duration, outcome)
shuffled <- sample(rows)
write.csv(data[shuffled, ], "gee.csv", row.names = FALSE, quote = FALSE)

fit <- function(formula, data, ...) {
  geeglm(formula,
    id = patient, data = data, family = binomial, corstr = "exchangeable",
    control = geese.control(epsilon = 1e-14, maxit = 2000), ...
  )
}
report <- function(fitted, terms) {
  list(
    coefficients = unname(coef(fitted)[terms]),
    robust_covariance = unname(fitted$geese$vbeta[terms, terms]),
    model_covariance = unname(fitted$geese$vbeta.naiv[terms, terms]),
    correlation = unname(fitted$geese$alpha),
    dispersion = unname(fitted$geese$gamma)
  )
}

# No facilities: a constant and three covariates.
plain <- report(fit(outcome ~ age + diabetes + duration, data), 1:4)

# A constant for each facility that has both outcomes; the others' rows are left out.
used <- data[!(data$facility %in% c(12, 13)), ]
stage1 <- fit(outcome ~ 0 + age + diabetes + duration + factor(facility), used)
fixed <- report(stage1, 1:3)
fixed$intercepts <- unname(coef(stage1)[-(1:3)])

# Each facility alone, with the offset x'b.
data$predictor <- as.vector(as.matrix(data[, c("age", "diabetes", "duration")]) %*%
  coef(stage1)[1:3])
alone <- sapply(0:11, function(k) {
  one <- fit(outcome ~ 1 + offset(predictor), data[data$facility == k, ])
  c(coef(one), sqrt(one$geese$vbeta), one$geese$alpha)
})
stage2 <- list(intercepts = alone[1, ], errors = alone[2, ], correlations = alone[3, ])

jsonlite::write_json(list(plain = plain, fixed = fixed, stage2 = lapply(stage2, unname)),
  "gee.json",
  digits = NA, auto_unbox = TRUE, pretty = TRUE
)
