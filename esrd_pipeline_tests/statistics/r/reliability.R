# Witness of reliability.py and concordance.py: one-way analysis of variance, bootstraps of every
# possible resample, survival::concordance, all pairs in a loop, and cor.test.
# Run from this folder: Rscript reliability.R
# Writes reliability.csv and reliability_events.csv (made here, seeded) and reliability.json.
# Needs survival and jsonlite.

set.seed(20270104)
patients <- 400
facilities <- 12
facility <- sample.int(facilities, patients, replace = TRUE, prob = seq_len(facilities)) - 1L
predicted <- round(rgamma(patients, 4, 2) * 8) / 8
follow_up <- sample.int(48, patients, replace = TRUE) * 7
level <- rgamma(facilities, 20, 20)[facility + 1]
events <- rpois(patients, predicted * level * rgamma(patients, 1.5, 1.5) * follow_up / 300)
expected <- round(predicted * follow_up / 300 * 1024) / 1024 + 1 / 1024
first <- ifelse(runif(patients) < 0.4, follow_up, NA)
data <- data.frame(
  patient = seq_len(patients) - 1L, facility, predicted, follow_up, events, expected,
  is_dead = as.integer(!is.na(first))
)
at <- data.frame(patient = rep(data$patient, events))
at$time <- ceiling(runif(nrow(at)) * follow_up[at$patient + 1])
write.csv(data, "reliability.csv", row.names = FALSE, quote = FALSE)
write.csv(at, "reliability_events.csv", row.names = FALSE, quote = FALSE)

# Between facilities: the mean square of a one-way analysis of variance, over n'.
anova_table <- anova(lm(events ~ factor(facility), data = data))
sizes <- as.vector(table(facility))
average_size <- (patients - sum(sizes^2) / patients) / (length(sizes) - 1)

# Within a facility: the ratio of all n^n resamples of n patients, so the bootstrap's own limit.
ratio_variance <- function(rows) {
  n <- nrow(rows)
  drawn <- as.matrix(expand.grid(rep(list(seq_len(n)), n)))
  above <- rowSums(matrix(rows$events[drawn], ncol = n))
  below <- rowSums(matrix(rows$expected[drawn], ncol = n))
  ratios <- above / below
  mean((ratios - mean(ratios))^2)
}
few <- lapply(2:6, function(n) data[cumsum(2:6)[n - 1] - n + seq_len(n), ])

count_pairs <- function(fit) {
  counts <- fit$count
  unname(c(
    counts["concordant"], counts["discordant"], counts["tied.x"],
    counts["tied.y"] + counts["tied.xy"]
  ))
}
of_rates <- survival::concordance(I(events / follow_up) ~ predicted, data = data)
of_deaths <- survival::concordance(survival::Surv(follow_up, is_dead) ~ predicted,
  data = data, reverse = TRUE
)

# Events in the time that both of a pair were followed.
by_patient <- split(at$time, factor(at$patient, levels = data$patient))
shared <- c(0, 0, 0, 0)
for (i in seq_len(patients - 1)) {
  for (j in (i + 1):patients) {
    both <- min(follow_up[i], follow_up[j])
    seen <- sign(sum(by_patient[[i]] <= both) - sum(by_patient[[j]] <= both))
    said <- sign(predicted[i] - predicted[j])
    kind <- if (seen == 0) 4 else if (said == 0) 3 else if (said == seen) 1 else 2
    shared[kind] <- shared[kind] + 1
  }
}

correlate <- function(first, second) {
  fit <- cor.test(first, second, method = "spearman", exact = FALSE)
  list(rho = unname(fit$estimate), p_value = fit$p.value)
}
missing <- data$facility %% 5 == 3
jsonlite::write_json(list(
  mean_square_between = anova_table[["Mean Sq"]][1],
  average_size = average_size,
  ratio_variance = vapply(few, ratio_variance, 0),
  of_rates = count_pairs(of_rates),
  of_deaths = count_pairs(of_deaths),
  of_shared_time = shared,
  events_with_predicted = correlate(data$events, data$predicted),
  some_events_with_follow_up = correlate(data$events[!missing], data$follow_up[!missing])
), "reliability.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
