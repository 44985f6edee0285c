"""Pages of tables: methods beside one another and beside what is published."""
