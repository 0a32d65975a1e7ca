# Refit the first stage of this folder's model to its sample of facilities, and compare.
# Run in this folder: Rscript refit.R    It ends with an error where the fits differ.
#
# rates: Poisson regression, a rate for each facility and interval        stats::glm
# cox:   stratified by facility, ties by Breslow                           survival::coxph
# cells: logistic, an effect for each facility and hospital                stats::glm
# gee:   logistic, exchangeable within patient, a constant per facility    geepack::geese
#
# Differences are relative to the larger of the estimate and its standard error.

tolerance <- 1e-4
read <- function(...) read.csv(file.path(...), check.names = FALSE, stringsAsFactors = FALSE)
about <- read("about.csv")
about <- setNames(as.character(about$value), about$name)
if (!dir.exists("sample")) stop("these facilities have no sample: see README.txt")
data <- read("sample", "design.csv")
fitted <- read("sample", "coefficients.csv")
first <- fitted[fitted$stage == 1, ]
x <- as.matrix(data[, first$term, drop = FALSE])
tight <- glm.control(epsilon = 1e-13, maxit = 100)

# Bread and filling clustered by patient, without small-sample factors.
robust_errors <- function(model, residual, weight, cluster, terms) {
  m <- model.matrix(model)
  bread <- solve(crossprod(m, m * weight))
  filling <- crossprod(rowsum(m * residual, cluster))
  sqrt(diag(bread %*% filling %*% bread))[terms]
}

compare <- function(what, theirs, ours, scale) {
  apart <- abs(theirs - ours) / pmax(scale, .Machine$double.eps)
  cat(sprintf("%-46s %5d numbers, largest difference %.2g\n", what, length(ours), max(apart)))
  max(apart)
}

refit <- list(
  rates = function() {
    cell <- factor(paste(data$facility, data$interval))
    used <- ave(data$event_count, cell, FUN = sum) > 0
    z <- x[used, , drop = FALSE]
    cells <- droplevels(cell[used])
    model <- glm(data$event_count[used] ~ 0 + z + cells,
      family = poisson, offset = log(data$days_at_risk[used]), control = tight
    )
    terms <- seq_len(ncol(x))
    mu <- fitted(model)
    residual <- data$event_count[used] - mu
    list(
      estimate = coef(model)[terms], model = sqrt(diag(vcov(model)))[terms],
      robust = robust_errors(model, residual, mu, data$patient[used], terms)
    )
  },
  cox = function() {
    suppressPackageStartupMessages(library(survival))
    model <- coxph(
      Surv(start_day, stop_day, is_event) ~ x + strata(facility) + cluster(patient),
      data = data, ties = "breslow", timefix = FALSE,
      control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50)
    )
    list(
      estimate = coef(model), model = sqrt(diag(model$naive.var)), robust = sqrt(diag(model$var))
    )
  },
  cells = function() {
    cell <- factor(paste(data$facility, data$hospital))
    size <- ave(data$is_event, cell, FUN = length)
    share <- ave(data$is_event, cell, FUN = mean)
    used <- size >= as.numeric(about[["minimum_rows"]]) & share > 0 & share < 1
    z <- x[used, , drop = FALSE]
    cells <- droplevels(cell[used])
    model <- glm(data$is_event[used] ~ 0 + z + cells, family = binomial, control = tight)
    terms <- seq_len(ncol(x))
    p <- fitted(model)
    residual <- data$is_event[used] - p
    list(
      estimate = coef(model)[terms], model = sqrt(diag(vcov(model)))[terms],
      robust = robust_errors(model, residual, p * (1 - p), data$patient[used], terms)
    )
  },
  gee = function() {
    suppressPackageStartupMessages(library(geepack))
    share <- ave(data$is_event, data$facility, FUN = mean)
    used <- which(share > 0 & share < 1)
    used <- used[order(data$patient[used])]
    z <- x[used, , drop = FALSE]
    d <- data.frame(
      y = data$is_event[used], patient = data$patient[used], f = factor(data$facility[used])
    )
    # Where patients hardly ever change, the correlation is held within its range: given here, too.
    is_held <- about[["is_held"]] == "yes"
    correlation <- as.numeric(about[["correlation"]])
    pairs <- sum(choose(table(d$patient), 2))
    solve_from <- function(b, alpha, iterations) {
      geese(y ~ 0 + z + f,
        id = patient, data = d, family = binomial, b = b, alpha = if (is_held) NULL else alpha,
        corstr = if (is_held) "fixed" else "exchangeable",
        zcor = if (is_held) rep(correlation, pairs) else NULL,
        control = geese.control(epsilon = 1e-12, maxit = iterations)
      )
    }
    # geepack stops at its last step without a word, at a root or not: is the next one of length 0?
    is_root <- function(model) {
      b <- model$beta
      following <- solve_from(b, model$alpha, 1)
      all(is.finite(b)) && max(abs(following$beta - b)) < 1e-6
    }
    start <- coef(glm(y ~ 0 + z + f, data = d, family = binomial))
    model <- solve_from(start, 0, 100)
    if (!is_root(model)) {
      cat("geepack's own steps do not converge: compared is its step from our root.\n")
      own <- tapply(data$facility_intercept[used], d$f, function(same) same[1])
      model <- solve_from(c(first$estimate, own), correlation, 1)
    }
    terms <- seq_len(ncol(x))
    list(
      estimate = model$beta[terms], model = NULL, robust = sqrt(diag(model$vbeta))[terms]
    )
  }
)

cat(sprintf(
  "%s of %s, %s: %d rows of %d facilities, %d terms\n", about[["measure"]], about[["program"]],
  about[["performance_year"]], nrow(data), length(unique(data$facility)), nrow(first)
))
theirs <- refit[[about[["kind"]]]]()
scale <- pmax(abs(first$estimate), first$standard_error)
worst <- compare("coefficients", theirs$estimate, first$estimate, scale)
if (!is.null(theirs$model)) {
  error <- first$model_standard_error
  worst <- max(worst, compare("standard errors of the model", theirs$model, error, error))
}
error <- first$standard_error
worst <- max(worst, compare("robust standard errors", theirs$robust, error, error))

# The baselines follow from the coefficients: at all rows, of the whole fit.
risk_of <- function(folder) {
  all <- read(folder, "design.csv")
  fit <- read(folder, "coefficients.csv")
  one <- fit[fit$stage == 1, ]
  predictor <- as.matrix(all[, one$term, drop = FALSE]) %*% one$estimate
  two <- fit[fit$stage == 2, ]
  if (about[["kind"]] == "cox" && nrow(two)) {
    predictor <- predictor + as.matrix(all[, two$term, drop = FALSE]) %*% two$estimate
  }
  list(data = all, risk = exp(predictor)[, 1])
}
if (about[["kind"]] == "rates") {
  nation <- risk_of(".")
  interval <- nation$data$interval
  events <- tapply(nation$data$event_count, interval, sum)
  at_risk <- tapply(nation$data$days_at_risk * nation$risk, interval, sum)
  ours <- read("baseline.csv")$estimate
  worst <- max(worst, compare("baseline by interval, nation", events / at_risk, ours, ours))
}
if (about[["kind"]] == "cox") {
  sample <- risk_of("sample")
  ours <- read("sample", "baseline.csv")
  steps <- sapply(ours$at, function(day) {
    is_at_risk <- sample$data$start_day < day & day <= sample$data$stop_day
    sum(sample$data$is_event[sample$data$stop_day == day]) / sum(sample$risk[is_at_risk])
  })
  ours <- ours$estimate
  worst <- max(worst, compare("cumulative hazard by day, sample", cumsum(steps), ours, ours))
}
if (!is.finite(worst) || worst > tolerance) {
  stop(sprintf("the fits differ by %.2g, more than %.0e", worst, tolerance))
}
cat("The fits agree.\n")
