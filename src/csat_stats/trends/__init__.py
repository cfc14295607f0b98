"""Trends: waves and months beside each other, what is chance in them, and what comes next."""
