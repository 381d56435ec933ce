-- A history as version 1 of its tables wrote it, for the test that it is still understood.

CREATE TABLE originals (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  sha256 TEXT NOT NULL UNIQUE,
  path TEXT NOT NULL,
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  copied INTEGER NOT NULL DEFAULT 0,
  task TEXT,
  added INTEGER NOT NULL,
  next_number INTEGER NOT NULL DEFAULT 1,
  in_use INTEGER,
  saved_path TEXT,
  saved_sha256 TEXT);

CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  original INTEGER NOT NULL REFERENCES originals,
  state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'stopped', 'failed')),
  owner TEXT,
  started INTEGER NOT NULL,
  ended INTEGER,
  job TEXT NOT NULL,
  samples_sha256 TEXT,
  task TEXT,
  preprocess TEXT,
  program TEXT,
  runtime TEXT,
  cpu TEXT,
  threads INTEGER,
  result TEXT,
  message TEXT);

CREATE INDEX runs_by_original ON runs (original);

CREATE TABLE stops (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  sha256 TEXT NOT NULL,
  position REAL,
  size INTEGER NOT NULL,
  recommended INTEGER NOT NULL DEFAULT 0,
  details TEXT,
  recipe TEXT,
  UNIQUE (run, sha256));

CREATE INDEX stops_by_sha256 ON stops (sha256);

CREATE TABLE versions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  original INTEGER NOT NULL REFERENCES originals,
  number INTEGER NOT NULL,
  stop INTEGER UNIQUE REFERENCES stops,
  created INTEGER NOT NULL,
  deleted INTEGER,
  note TEXT,
  UNIQUE (original, number));

INSERT INTO originals VALUES (1, 'd35c416a85b807e9b5384915d6ebb4a9f7352713efd89857b45a242f473728a9', '/tmp/large.onnx', 'large.onnx', 5, 0, 'classification',
  1700000000, 2, 1, NULL, NULL);
INSERT INTO runs VALUES (1, 1, 'finished', NULL, 1700000000, 1700000100, '{"command":"shrink"}',
  '5a', 'classification', NULL, '0.1.0', '1.30.0', 'A processor', 2, '{}', NULL);
INSERT INTO stops VALUES (1, 1, '81db8ebbbbc69c6c6ad4a6aa92b76e0c08af547da236b9e2c9dbe1d8285a8130', 40.5, 5, 1, '{}', '{"for":"small"}');
INSERT INTO versions VALUES (1, 1, 0, NULL, 1700000000, NULL, NULL);
INSERT INTO versions VALUES (2, 1, 1, 1, 1700000100, NULL, 'from the first days');
PRAGMA application_id = 1182222441;
PRAGMA user_version = 1;
