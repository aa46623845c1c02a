"""Programs that were run once and wrote what the book reports: each with its question, its command and its statistics."""
