# Witness of proportions.py: binom.test, prop.test, and a GEE with independent working correlation.
# Run from this folder: Rscript proportions.R
# Writes proportions.csv (patient-months made here, seeded) and proportions.json.
# Needs geepack and jsonlite.

cases <- data.frame(
  events = c(0, 1, 3, 7, 11, 25, 59, 60, 300, 5, 0, 1),
  trials = c(11, 11, 40, 12, 11, 60, 60, 60, 4000, 700, 1, 1),
  national = c(0.2, 0.2, 0.12, 0.5, 0.9, 0.45, 0.95, 0.95, 0.08, 0.02, 0.3, 0.3)
)
one_sided <- function(events, trials, national, side) {
  if (events < 0) return(as.numeric(side == "greater"))
  if (events > trials) return(as.numeric(side == "less"))
  binom.test(events, trials, national, alternative = side)$p.value
}
judge <- function(events, trials, national) {
  wilson <- suppressWarnings(prop.test(events, trials, correct = FALSE))$conf.int
  at_least <- one_sided(events, trials, national, "greater")
  more <- one_sided(events + 1, trials, national, "greater")
  at_most <- one_sided(events, trials, national, "less")
  fewer <- one_sided(events - 1, trials, national, "less")
  list(
    events = events, trials = trials, national = national,
    exact = as.numeric(binom.test(events, trials)$conf.int),
    exact_90 = as.numeric(binom.test(events, trials, conf.level = 0.9)$conf.int),
    wilson = as.numeric(wilson),
    mid_p = min(at_least + more, at_most + fewer)
  )
}

set.seed(20270103)
facilities <- 6
patients <- 25 * facilities
facility <- rep(seq_len(facilities) - 1L, each = 25)
months <- sample.int(12, patients, replace = TRUE)
chance <- rbeta(patients, 1.5, 1)
data <- data.frame(
  facility = rep(facility, months),
  patient = rep(seq_len(patients) - 1L, months),
  counted = rbinom(sum(months), 1, rep(chance, months))
)
write.csv(data, "proportions.csv", row.names = FALSE, quote = FALSE)

tight <- geepack::geese.control(epsilon = 1e-14, maxit = 200)
fit_facility <- function(rows, link) {
  fit <- geepack::geeglm(counted ~ 1,
    id = patient, data = rows, family = binomial(link = link), corstr = "independence",
    control = tight
  )
  c(unname(coef(fit)), summary(fit)$coefficients[["Std.err"]])
}
by_facility <- split(data, data$facility)

jsonlite::write_json(list(
  cases = do.call(mapply, c(list(FUN = judge, SIMPLIFY = FALSE, USE.NAMES = FALSE), cases)),
  identity = unname(lapply(by_facility, fit_facility, link = "identity")),
  logit = unname(lapply(by_facility, fit_facility, link = "logit"))
), "proportions.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
