# Witness of poisson_binomial.py: the package PoissonBinomial's exact distribution, inverted here.
# Run from this folder: Rscript poisson_binomial.R    Writes poisson_binomial.csv and .json.
# Needs jsonlite and PoissonBinomial (Debian: r-cran-poissonbinomial).

library(PoissonBinomial)
set.seed(20270202)
facilities <- 40
effect <- 0.125
mean <- 0.2
deviation <- 1.3
sizes <- c(1, 2, 5, 12, 30, 200, sample(15:120, facilities - 6, replace = TRUE))
facility <- rep(seq_len(facilities) - 1L, sizes)
offset <- round(rnorm(length(facility), -1, 0.8) * 64) / 64
outcome <- rbinom(length(facility), 1, plogis(offset + rnorm(facilities, 0.1, 0.3)[facility + 1]))
outcome[facility == 3] <- 0L
outcome[facility == 4] <- 1L
write.csv(data.frame(facility, offset, outcome), "poisson_binomial.csv",
  row.names = FALSE, quote = FALSE
)

tails <- function(g, c, observed) {
  p <- plogis(g + c)
  half <- dpbinom(observed, p, method = "Convolve") / 2
  n <- length(c)
  less <- if (observed == 0) 0 else ppbinom(observed - 1, p, method = "Convolve")
  more <- if (observed == n) {
    0
  } else {
    ppbinom(observed, p, method = "Convolve", lower.tail = FALSE)
  }
  c(less + half, more + half)
}
# Phi^-1(SL-), from the smaller tail.
score <- function(g, c, observed) {
  both <- tails(g, c, observed)
  if (both[1] < both[2]) qnorm(both[1]) else -qnorm(both[2])
}
invert <- function(c, observed, target) {
  if (observed == 0 && target >= 0) return(-Inf)
  if (observed == length(c) && target <= 0) return(Inf)
  uniroot(function(g) score(g, c, observed) - target, c(-15, 15), tol = 1e-13)$root
}
ratio_at <- function(g, c) sum(plogis(g + c)) / sum(plogis(effect + c))

by_facility <- split(offset, facility)
observed <- as.vector(tapply(outcome, facility, sum))
found <- mapply(function(c, o) {
  both <- tails(effect, c, o)
  plain <- sapply(qnorm(c(0.975, 0.025)), function(t) ratio_at(invert(c, o, t), c))
  null <- sapply(
    mean + deviation * qnorm(c(0.975, 0.025)), function(t) ratio_at(invert(c, o, t), c)
  )
  c(both, score(effect, c, o), plain, null)
}, by_facility, observed)

jsonlite::write_json(list(
  effect = effect, mean = mean, deviation = deviation, observed = observed,
  lower_tail = found[1, ], upper_tail = found[2, ], z = found[3, ],
  lower = found[4, ], upper = found[5, ],
  adjusted_lower = found[6, ], adjusted_upper = found[7, ]
), "poisson_binomial.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
