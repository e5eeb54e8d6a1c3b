"""Words every domain needs: settings, time, ids, errors, the database."""
