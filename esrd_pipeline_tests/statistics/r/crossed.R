# Witness of crossed_effects.py and facility_effects.py: lme4 with two crossed factors.
# Run from this folder: Rscript crossed.R    Writes crossed.csv (made here, seeded), crossed.json.
# Needs lme4, numDeriv and jsonlite.

suppressPackageStartupMessages(library(lme4))
set.seed(20270201)
rows <- 4000
facilities <- 60
hospitals <- 35
facility <- sample.int(facilities, rows, replace = TRUE) - 1L
near <- (facility * 7L + sample.int(8, rows, replace = TRUE)) %% hospitals
hospital <- ifelse(runif(rows) < 0.15, sample.int(hospitals, rows, replace = TRUE) - 1L, near)
offset <- round(rnorm(rows, 0, 0.7) * 64) / 64
u <- rnorm(facilities, 0, 0.4)
v <- rnorm(hospitals, 0, 0.3)
outcome <- rbinom(rows, 1, plogis(-1 + offset + u[facility + 1] + v[hospital + 1]))
outcome[facility == 12] <- 0L
outcome[facility == 40] <- 1L
keep <- !(facility == 12 & seq_len(rows) > 900) & !(facility == 40 & seq_len(rows) > 300)
data <- data.frame(facility, hospital, offset, outcome)[keep, ]
write.csv(data, "crossed.csv", row.names = FALSE, quote = FALSE)
data$f <- factor(data$facility)
data$h <- factor(data$hospital)

# Stage 2: intercept and both standard deviations by Laplace's approximation.
tight <- glmerControl(
  optimizer = "bobyqa", tolPwrss = 1e-13, calc.derivs = FALSE,
  optCtrl = list(rhoend = 1e-9, maxfun = 5000)
)
stage2 <- glmer(outcome ~ 1 + (1 | f) + (1 | h),
  offset = offset, family = binomial, data = data, nAGQ = 1, control = tight
)
theta <- getME(stage2, "theta")
point <- c(theta[["f.(Intercept)"]], theta[["h.(Intercept)"]], fixef(stage2)[[1]])
deviance_at <- update(stage2, devFunOnly = TRUE)
covariance <- 2 * solve(numDeriv::hessian(deviance_at, point))
modes <- ranef(stage2, condVar = TRUE)

# Stage 3: fixed facility effects, sigma_hospital held. With nAGQ = 0 lme4 maximises the penalised
# likelihood jointly over fixed effects and modes. The two facilities whose outcomes are all alike
# have no finite effect: without them, the rest is what it is with them at infinity.
mixed <- !(data$facility %in% c(12, 40))
stage3 <- glmer(outcome ~ 0 + f + (1 | h),
  offset = offset, family = binomial, data = droplevels(data[mixed, ]), nAGQ = 0,
  control = tight, devFunOnly = TRUE
)
sigma <- point[2]
invisible(stage3(sigma))
fitted3 <- environment(stage3)$pp
facility_effects <- rep(NA_real_, facilities)
facility_effects[-c(13, 41)] <- fitted3$beta(1)
hospital_effects <- sigma * fitted3$u(1)
median_effect <- median(replace(facility_effects, c(13, 41), c(-Inf, Inf)))
expected <- tapply(
  plogis(median_effect + hospital_effects[data$hospital + 1] + data$offset), data$facility, sum
)

jsonlite::write_json(list(
  intercept = point[3],
  sigma_facility = point[1],
  sigma_hospital = point[2],
  covariance = unname(covariance[c(3, 1, 2), c(3, 1, 2)]),
  log_likelihood = as.numeric(logLik(stage2)),
  facility_modes = modes$f[[1]],
  facility_variances = as.vector(attr(modes$f, "postVar")),
  hospital_modes = modes$h[[1]],
  hospital_variances = as.vector(attr(modes$h, "postVar")),
  facility_effects = facility_effects,
  hospital_effects = hospital_effects,
  median_effect = median_effect,
  observed = as.vector(tapply(data$outcome, data$facility, sum)),
  expected = as.vector(expected)
), "crossed.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
