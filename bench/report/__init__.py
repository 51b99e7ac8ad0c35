"""What is shown of figures: tables, charts, remarks. Nothing here measures."""
