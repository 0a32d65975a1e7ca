"""Emergencies: an area's patients, status and room on a day, places for the displaced, a page."""
