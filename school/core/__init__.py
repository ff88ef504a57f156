"""The ground floor: settings, database, errors, time, keys, signing, object store and words. Knows no room above it."""
