"""What sets of strings and patterns of events are made of; `text_set` and `event_pattern` are the doors."""
