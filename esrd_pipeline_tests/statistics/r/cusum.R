# Average run lengths of Poisson CUSUM charts while events are as expected, exact by a Markov chain
# (spc 0.6.7). A chart of log likelihood ratios with ratio 2 is log(2) times one that adds up
# events - k, with k = expected / log(2). Run: Rscript cusum.R > cusum.json
suppressMessages(library(spc))
cases <- list(c(2, 1, 6), c(2, 1, 8), c(1, 2, 9))
rows <- sapply(cases, function(x) {
  k <- x[1] / x[2]; h <- x[3] / x[2]
  run <- pois.cusum.arl(mu = k * log(2), km = x[1], hm = x[3], m = x[2])
  sprintf('{"k": %s, "h": %s, "run_length": %.6f}', k, h, run)
})
cat("[", paste(rows, collapse = ",\n "), "]\n", sep = "")
