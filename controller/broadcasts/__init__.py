"""What airs where and when: schedules, their occurrences, and how each went."""
