"""Artists, videos, polls, and moderation."""
