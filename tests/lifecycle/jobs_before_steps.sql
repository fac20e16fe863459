BEGIN TRANSACTION;
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    task TEXT NOT NULL,
    state TEXT NOT NULL,
    why TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at TEXT NOT NULL,
    as_of TEXT NOT NULL,
    worker TEXT,
    heartbeat_at TEXT,
    ended_at TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL DEFAULT '{}'
);
INSERT INTO "jobs" VALUES('e8532b6fa9f2','churn','promoted','decay','monitor','2026-11-22T23:10:32.967419+00:00','2026-03-01T00:00:00+00:00','host/1/1.00','2026-11-22T23:10:33.002409+00:00','2026-11-22T23:10:33.322720+00:00',1,'{"version": 1, "words": "promoted it"}');
INSERT INTO "jobs" VALUES('08ac685ea24c','churn','refused','decay','ada','2026-11-22T23:10:34.198160+00:00','2026-03-02T00:00:00+00:00','host/1/1.00','2026-11-22T23:10:34.508053+00:00','2026-11-22T23:10:34.516588+00:00',1,'{"version": 2, "words": "refused it"}');
INSERT INTO "jobs" VALUES('221432305944','churn','undecided','decay','monitor','2026-11-22T23:10:34.566732+00:00','2026-03-03T00:00:00+00:00','host/1/1.00','2026-11-22T23:10:34.647321+00:00','2026-11-22T23:10:34.664998+00:00',1,'{"version": 3, "words": "undecided it"}');
INSERT INTO "jobs" VALUES('93875319b686','churn','failed','decay','ada','2026-11-22T23:10:34.681686+00:00','2026-03-04T00:00:00+00:00','host/1/1.00','2026-11-22T23:10:34.683266+00:00','2026-11-22T23:10:34.697859+00:00',1,'{"version": null, "words": "failed it"}');
INSERT INTO "jobs" VALUES('12b9b62d8cd0','churn','running','decay','monitor','2026-11-22T23:10:34.991638+00:00','2026-03-08T00:00:00+00:00','host/1/1.00','2026-11-22T23:10:35.266559+00:00',NULL,1,'{}');
INSERT INTO "jobs" VALUES('cbf2056930b9','preference','awaiting approval','decay','monitor','2026-11-22T23:10:35.295595+00:00','2026-03-09T00:00:00+00:00','host/1/1.00',NULL,NULL,1,'{"words": "trained", "version": 7}');
INSERT INTO "jobs" VALUES('8f4386b9fa07','third','requested','by hand','ada','2026-11-22T23:10:38.704681+00:00','2026-03-10T00:00:00+00:00',NULL,NULL,NULL,0,'{}');
CREATE TABLE ledger (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    task TEXT NOT NULL,
    decision TEXT NOT NULL,
    why TEXT NOT NULL,
    version TEXT,
    previous TEXT,
    evidence TEXT NOT NULL,
    before TEXT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO "ledger" VALUES(1,'2026-11-22T23:10:39+00:00','monitor','churn','retrain','decay',NULL,NULL,'{}','','b3f495942a90afd1297ee9a6654a006a0b42c6c21e9d96fdb68eac29cb3c0b9e');
CREATE UNIQUE INDEX one_job_at_a_time ON jobs (task) WHERE state IN ('requested', 'running', 'awaiting approval');
CREATE TRIGGER ledger_keeps_rows BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_keeps_values BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_only_grows BEFORE INSERT ON ledger
WHEN NEW.number <= (SELECT max(number) FROM ledger)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('ledger',1);
COMMIT;
