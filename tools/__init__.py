"""What checks, re-executes and publishes the chapters; nothing a chapter imports."""
