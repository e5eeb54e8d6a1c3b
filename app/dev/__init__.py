"""What `make run` needs besides the service: embedded servers, supervisor, demo merchant, demo day."""
