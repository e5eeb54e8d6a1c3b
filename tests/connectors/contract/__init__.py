"""One suite for every connector, each against its simulator over real HTTP: two readings of one document must agree."""
