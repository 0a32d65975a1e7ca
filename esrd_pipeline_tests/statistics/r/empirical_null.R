# Witness of empirical_null.py: MASS::rlm run to convergence, and central matching by glm and lm.
# Run from this folder: Rscript empirical_null.R
# Writes empirical_null.csv (made here, seeded) and empirical_null.json. Needs MASS, jsonlite.

set.seed(2004)
samples <- list(
  normal = rnorm(60, 0.2, 1.4),
  contaminated = c(rnorm(180, -0.1, 1.2), rnorm(20, 6, 1)),
  heavy = 0.5 + rt(101, df = 3),
  skewed = rgamma(150, 2) - 2,
  tiny = rnorm(11),
  national = c(rnorm(1700, -0.15, 1.5), rnorm(100, 5, 1.5), rnorm(75, -5, 1))
)
data <- data.frame(
  sample = rep(names(samples), lengths(samples)),
  z = unlist(samples, use.names = FALSE)
)
write.csv(format(data, digits = 17, trim = TRUE), "empirical_null.csv",
  row.names = FALSE, quote = FALSE
)
data <- read.csv("empirical_null.csv")

estimate <- function(z, psi) {
  fit <- MASS::rlm(z ~ 1, psi = psi, maxit = 2000, acc = 1e-13)
  c(unname(coef(fit)), fit$s)
}

# As locfdr's central matching: a log density by Poisson regression on bin counts, a parabola
# through it over the middle half. Bins and polynomial are those that empirical_null.py states.
match_centre <- function(z) {
  middle <- median(z)
  reach <- 4 * median(abs(z - middle)) / 0.6745
  place <- (z - middle) / reach
  breaks <- seq(-1, 1, length.out = 120)
  mid <- (head(breaks, -1) + tail(breaks, -1)) / 2
  inside <- place[abs(place) <= 1]
  counts <- as.vector(table(cut(inside, breaks, right = FALSE, include.lowest = TRUE)))
  smooth <- glm(counts ~ poly(mid, 7),
    family = poisson, control = glm.control(epsilon = 1e-15, maxit = 100)
  )
  central <- mid >= quantile(place, 0.25) & mid <= quantile(place, 0.75)
  b <- coef(lm(log(fitted(smooth))[central] ~ mid[central] + I(mid[central]^2)))
  unname(c(middle - reach * b[2] / (2 * b[3]), reach / sqrt(-2 * b[3])))
}

by_sample <- split(data$z, data$sample)
jsonlite::write_json(list(
  bisquare = lapply(by_sample, estimate, psi = MASS::psi.bisquare),
  huber = lapply(by_sample, estimate, psi = MASS::psi.huber),
  central_matching = lapply(by_sample["national"], match_centre)
), "empirical_null.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
