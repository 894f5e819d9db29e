"""What plays when: calendars, priorities, windows, plans.

Ground floor and pure: no I/O and no clock of its own. Every function takes frozen values (`schedules.types`) and,
where time matters, `now`; the controller's planner, its previews and the device's conductor ask the same functions.
"""
