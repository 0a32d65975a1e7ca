"""Good files of what a Network keeps itself, as lines of CSV."""

from collections.abc import Mapping
from pathlib import Path

GOOD: Mapping[str, tuple[str, ...]] = {
    "network_activity": (
        (
            "activity,network,priority,measure,selection_rule,baseline_first,baseline_last,"
            "measurement_first,measurement_last,goal,goal_unit,goal_direction"
        ),
        (
            "fewer_stays,8,coordination,shr,worst tenth of SHR,2023-01-01,2023-12-31,"
            "2024-01-01,2024-12-31,1.0,ratio,at_most"
        ),
    ),
    "network_enrolment": (
        "activity,ccn,start_date,end_date,graduated_on",
        "fewer_stays,012501,2024-02-01,2024-06-30,2024-06-30",
        "fewer_stays,012502,2024-02-01,,",
    ),
    "network_contact": (
        "activity,ccn,contact_date,kind,escalation,note",
        'fewer_stays,012501,2024-02-10,visit,0,"Plan agreed, dated"',
        "fewer_stays,012502,2024-03-10,call,2,",
    ),
    "network_mentor_pair": (
        "activity,mentor_ccn,mentee_ccn,start_date,end_date",
        "fewer_stays,012599,012501,2024-02-15,",
    ),
    "network_change_idea": (
        "idea,priority,driver,text,source_ccn,reference",
        "call_in_7_days,coordination,follow-up,Call each patient a week after a stay,012599,",
    ),
    "network_goal": (
        "network,priority,indicator,first_month,last_month,goal,direction",
        "8,coordination,admission,2024-01-01,2024-12-01,12.5,at_most",
    ),
    "facility_status": (
        "ccn,from_at,to_at,status,cause,reported_at",
        "012501,2024-09-26T18:00Z,,closed,flood,2024-09-26T17:30Z",
        "012501,2024-09-26T18:00Z,2024-09-29T06:00Z,closed,flood,2024-09-28T12:00Z",
    ),
    "disaster_declaration": (
        (
            "disasterNumber,declarationType,incidentType,declarationTitle,incidentBeginDate,"
            "incidentEndDate,state,fipsStateCode,fipsCountyCode,designatedArea,hash"
        ),
        (
            "4828,DR,Hurricane,HURRICANE HELENE,2024-09-23T00:00:00.000Z,2024-10-07T00:00:00.000Z,"
            "FL,12,001,Alachua (County),x"
        ),
    ),
    "facility_asset": (
        "ccn,asset_year,stations,shifts,has_generator,water,backup_ccn,backup_until",
        "012501,2024,20,3,Y,municipal,012502,2024-12-31",
    ),
}


def write_good(folder: Path) -> Path:
    """Write every good file; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in GOOD.items():
        write(folder, name, *lines)
    return folder


def write(folder: Path, name: str, *lines: str) -> None:
    """Write one file."""
    text = "\n".join(lines) + "\n"
    (folder / f"{name}.csv").write_text(text, encoding="utf-8")
