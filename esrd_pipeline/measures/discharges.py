"""Terms that SRR and ED30 share: manual 2.10.11, 2.11.13, 2.26.12."""

from esrd_pipeline.measures.terms import Level

NURSING_HOME = (
    Level("is_nursing_home_short", "nursing_home_days", 1, 89, row="2.10.11, 2.26.12; reading 17"),
    Level("is_nursing_home_long", "nursing_home_days", 90, row="2.10.11, 2.26.12; reading 17"),
)
BMI = tuple(
    Level(name, "bmi_class", values=(level,), row="2.10.11, 2.26.12; reading 17")
    for name, level in (
        ("is_bmi_under_18", "<18.5"),
        ("is_bmi_18_to_25", "18.5-25"),
        ("is_bmi_25_to_30", "25-30"),
    )
)
LENGTH = tuple(
    Level(f"is_length_{name}", "length_quarter", quarter, quarter, row="length of hospital stay")
    for name, quarter in (("second", 2), ("third", 3), ("fourth", 4))
)
