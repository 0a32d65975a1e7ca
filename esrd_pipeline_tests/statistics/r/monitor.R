# CUSUM charts and Laney's p' charts (sigma at least 1) in plain R, month by month, without a package: Debian has none for
# either (spc has run lengths alone: cusum.R). Events are of a rule, not drawn, so that the file needs
# no seed. A month in which the sum is zero has no beginning: -1. Run: Rscript monitor.R > monitor.json
months <- 0:35
number <- function(x) paste0("[", paste(sprintf("%.15g", x), collapse = ", "), "]")
grid <- function(rows) paste0("[", paste(sapply(rows, number), collapse = ",\n   "), "]")

cusum <- function(observed, expected, ratio, limit) {
  level <- 0; start <- 0
  path <- c(); signal <- c(); began <- c()
  for (t in seq_along(observed)) {
    if (level == 0) start <- t - 1
    level <- max(0, level + observed[t] * log(ratio) - (ratio - 1) * expected[t])
    path <- c(path, level)
    signal <- c(signal, as.integer(level >= limit))
    began <- c(began, if (level > 0) start else -1)
    if (level >= limit) level <- 0
  }
  list(path = path, signal = signal, began = began)
}

observed <- lapply(0:3, function(i) (7 * i + 3 * months^2) %% 11 + i * (months >= 20))
expected <- lapply(0:3, function(i) 4 + (months %% 5) / 2 + i / 4)
limit <- c(2, 2.5, 3, 3.5)
charts <- function(ratio) lapply(1:4, function(i) cusum(observed[[i]], expected[[i]], ratio, limit[i]))
show <- function(name, found) sprintf(
  '"%s": {"path": %s,\n  "signal": %s,\n  "began": %s}', name,
  grid(lapply(found, `[[`, "path")), grid(lapply(found, `[[`, "signal")), grid(lapply(found, `[[`, "began"))
)

units <- lapply(0:3, function(i) 20 + 10 * i + months %% 7)
met <- lapply(1:4, function(i) pmin(units[[i]], 8 + 3 * i + (months * (2 + i)) %% 9 + 12 * (months == 30)))
laney <- function(x, n) {
  centre <- sum(x) / sum(n)
  chance <- sqrt(centre * (1 - centre) / n)
  z <- (x / n - centre) / chance
  sigma <- max(1, mean(abs(diff(z))) / 1.128)
  list(centre = centre, sigma = sigma, lower = pmax(0, centre - 3 * chance * sigma),
       upper = pmin(1, centre + 3 * chance * sigma))
}
shares <- lapply(1:4, function(i) laney(met[[i]], units[[i]]))
cat("{", sprintf('"observed": %s,\n "expected": %s,\n "limit": %s,\n', grid(observed), grid(expected), number(limit)),
    show("1.5", charts(1.5)), ",\n", show("0.5", charts(0.5)), ",\n",
    sprintf('"units": %s,\n "met": %s,\n "centre": %s,\n "sigma": %s,\n "lower": %s,\n "upper": %s',
            grid(units), grid(met), number(sapply(shares, `[[`, "centre")), number(sapply(shares, `[[`, "sigma")),
            grid(lapply(shares, `[[`, "lower")), grid(lapply(shares, `[[`, "upper"))), "}\n", sep = "")
