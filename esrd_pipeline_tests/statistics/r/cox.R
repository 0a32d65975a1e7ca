# What survival::coxph says of cox.csv: strata, delayed entry, offset, Breslow ties, clusters.
# Run in this folder: Rscript cox.R (writes cox.csv and cox.json)
library(survival)
library(jsonlite)

set.seed(20241123)
n <- 900
stratum <- sample(0:29, n, replace = TRUE)
patient <- sample(0:399, n, replace = TRUE)
start <- sample(0:200, n, replace = TRUE)
x1 <- round(rnorm(n) * 8) / 8
x2 <- rbinom(n, 1, 0.4)
x3 <- round(runif(n) * 16) / 16
shift <- round(rnorm(n, sd = 0.5) * 16) / 16
time <- ceiling(rexp(n, exp(-5.2 + 0.4 * x1 - 0.5 * x2 + 0.3 * x3 + shift)))
follow <- sample(30:400, n, replace = TRUE)
stop <- start + pmin(time, follow)
event <- as.integer(time <= follow)
data <- data.frame(stratum, patient, start, stop, event, x1, x2, x3, shift)
write.csv(data, "cox.csv", row.names = FALSE)

control <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 50)
stratified <- coxph(
  Surv(start, stop, event) ~ x1 + x2 + x3 + offset(shift) + strata(stratum) + cluster(patient),
  data = data, ties = "breslow", control = control, timefix = FALSE
)
plain <- coxph(
  Surv(start, stop, event) ~ x1 + x2 + x3 + offset(shift),
  data = data, ties = "breslow", control = control, timefix = FALSE
)
fit <- function(model, naive) {
  list(
    coefficients = unname(coef(model)),
    model_covariance = unname(naive),
    log_likelihood = model$loglik[2]
  )
}
# Hazards of a row of risk 1; survfit gives one curve per row of newdata, stratum by stratum.
zero <- data.frame(x1 = 0, x2 = 0, x3 = 0, shift = 0)
steps <- function(curve) {
  is_step <- curve$n.event > 0
  list(times = curve$time[is_step], cumulative = as.vector(curve$cumhaz)[is_step])
}
by_stratum <- survfit(stratified, newdata = cbind(zero, stratum = 0:29))
strata <- rep(0:29, by_stratum$strata)[by_stratum$n.event > 0]
write_json(
  list(
    baseline = steps(survfit(plain, newdata = zero)),
    stratified_baseline = c(steps(by_stratum), list(stratum = strata)),
    stratified = c(
      fit(stratified, stratified$naive.var),
      list(robust_covariance = unname(stratified$var))
    ),
    plain = fit(plain, plain$var),
    events_expected = unname(predict(plain, type = "expected"))
  ),
  "cox.json", digits = NA, auto_unbox = TRUE
)
