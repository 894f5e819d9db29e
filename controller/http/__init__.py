"""What every HTTP endpoint shares: errors, pages, versions, retries, limits."""
