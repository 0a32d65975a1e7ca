# What stats::poisson.test, ppois and dpois say of a few observed and expected events.
# Run in this folder: Rscript poisson_test.R (writes poisson_test.json)
library(jsonlite)

cases <- data.frame(
  observed = c(0, 0, 1, 3, 10, 25, 60, 200, 5, 1),
  expected = c(0.2, 4.5, 3, 3, 4.2, 31.5, 59.5, 150, 5, 0.01)
)
limits <- t(mapply(function(o, e) poisson.test(o, T = e)$conf.int, cases$observed, cases$expected))
# Twice the smaller of R's one-sided p-values: its two-sided one does not go with its limits.
one_sided <- function(side) {
  mapply(
    function(o, e) poisson.test(o, T = e, alternative = side)$p.value,
    cases$observed, cases$expected
  )
}
half <- dpois(cases$observed, cases$expected) / 2
mid_above <- ppois(cases$observed, cases$expected, lower.tail = FALSE) + half
mid_below <- ppois(cases$observed - 1, cases$expected) + half
write_json(
  list(
    observed = cases$observed,
    expected = cases$expected,
    lower = limits[, 1],
    upper = limits[, 2],
    p_value = pmin(1, 2 * pmin(one_sided("less"), one_sided("greater"))),
    mid_z = ifelse(mid_above < mid_below, -qnorm(mid_above), qnorm(mid_below))
  ),
  "poisson_test.json", digits = NA
)
