/** Tables of the store, and how SQLite keeps them. `usage` follows `entry` by triggers, in the same transaction. */
export const SCHEMA = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS entry (
  namespace TEXT NOT NULL,
  key BLOB NOT NULL,
  value BLOB NOT NULL,
  expires INTEGER,
  PRIMARY KEY (namespace, key)
);
CREATE INDEX IF NOT EXISTS entry_expires ON entry (expires) WHERE expires IS NOT NULL;
CREATE TABLE IF NOT EXISTS usage (
  namespace TEXT PRIMARY KEY,
  keys INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS entry_added AFTER INSERT ON entry BEGIN
  INSERT INTO usage VALUES (new.namespace, 1, length(new.key) + length(new.value))
  ON CONFLICT (namespace) DO UPDATE SET keys = keys + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER IF NOT EXISTS entry_changed AFTER UPDATE ON entry BEGIN
  UPDATE usage SET bytes = bytes + length(new.value) - length(old.value) WHERE namespace = new.namespace;
END;
CREATE TRIGGER IF NOT EXISTS entry_removed AFTER DELETE ON entry BEGIN
  UPDATE usage SET keys = keys - 1, bytes = bytes - length(old.key) - length(old.value)
  WHERE namespace = old.namespace;
END;
`
