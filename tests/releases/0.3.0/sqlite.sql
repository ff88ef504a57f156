BEGIN TRANSACTION;
CREATE TABLE account (
	id INTEGER NOT NULL, 
	login VARCHAR(60) NOT NULL, 
	mobile_hash VARCHAR(64), 
	name VARCHAR(40) NOT NULL, 
	member_id INTEGER, 
	password_hash VARCHAR(200) NOT NULL, 
	must_change_password BOOLEAN NOT NULL, 
	active BOOLEAN NOT NULL, 
	locale VARCHAR(5) NOT NULL, 
	elder INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_account PRIMARY KEY (id), 
	CONSTRAINT fk_account_member_id FOREIGN KEY(member_id) REFERENCES member (id), 
	CONSTRAINT uq_account_login UNIQUE (login), 
	CONSTRAINT uq_account_member_id UNIQUE (member_id), 
	CONSTRAINT uq_account_mobile_hash UNIQUE (mobile_hash)
);
INSERT INTO "account" VALUES(1,'member',NULL,'王建国',1,'$argon2id$v=19$m=19456,t=2,p=1$goKhqoGoWA5iu3VB3tflaQ$+WufG/eX6ZVhB9SYUGv8RWVe3JrUZn+WfRZCi5PrjaU',0,1,'zh',0,'2026-01-05 01:00:00.000000');
INSERT INTO "account" VALUES(2,'secretary',NULL,'李秀兰',2,'$argon2id$v=19$m=19456,t=2,p=1$goKhqoGoWA5iu3VB3tflaQ$+WufG/eX6ZVhB9SYUGv8RWVe3JrUZn+WfRZCi5PrjaU',0,1,'zh',0,'2026-01-05 01:00:00.000000');
INSERT INTO "account" VALUES(3,'outsider',NULL,'阿依古丽·买买提',3,'$argon2id$v=19$m=19456,t=2,p=1$goKhqoGoWA5iu3VB3tflaQ$+WufG/eX6ZVhB9SYUGv8RWVe3JrUZn+WfRZCi5PrjaU',0,1,'zh',0,'2026-01-05 01:00:00.000000');
INSERT INTO "account" VALUES(4,'trainer',NULL,'周明远',NULL,'$argon2id$v=19$m=19456,t=2,p=1$goKhqoGoWA5iu3VB3tflaQ$+WufG/eX6ZVhB9SYUGv8RWVe3JrUZn+WfRZCi5PrjaU',0,1,'zh',0,'2026-01-05 01:00:00.000000');
INSERT INTO "account" VALUES(5,'reviewer',NULL,'陈静',NULL,'$argon2id$v=19$m=19456,t=2,p=1$goKhqoGoWA5iu3VB3tflaQ$+WufG/eX6ZVhB9SYUGv8RWVe3JrUZn+WfRZCi5PrjaU',0,1,'zh',0,'2026-01-05 01:00:00.000000');
INSERT INTO "account" VALUES(6,'admin',NULL,'马文华',NULL,'$argon2id$v=19$m=19456,t=2,p=1$goKhqoGoWA5iu3VB3tflaQ$+WufG/eX6ZVhB9SYUGv8RWVe3JrUZn+WfRZCi5PrjaU',0,1,'zh',0,'2026-01-05 01:00:00.000000');
INSERT INTO "account" VALUES(7,'sysadmin',NULL,'赵磊',NULL,'$argon2id$v=19$m=19456,t=2,p=1$goKhqoGoWA5iu3VB3tflaQ$+WufG/eX6ZVhB9SYUGv8RWVe3JrUZn+WfRZCi5PrjaU',0,1,'zh',0,'2026-01-05 01:00:00.000000');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE answer_key (
	version_id INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	"key" JSON NOT NULL, 
	author_id INTEGER NOT NULL, 
	waived BOOLEAN NOT NULL, 
	reason VARCHAR(400) NOT NULL, 
	created_at DATETIME NOT NULL, 
	applied_at DATETIME, 
	CONSTRAINT pk_answer_key PRIMARY KEY (version_id, revision), 
	CONSTRAINT fk_answer_key_author_id FOREIGN KEY(author_id) REFERENCES account (id), 
	CONSTRAINT fk_answer_key_version_id FOREIGN KEY(version_id) REFERENCES question_version (id)
);
INSERT INTO "answer_key" VALUES(1,1,'{"right":[1]}',4,0,'','2026-11-22 19:25:36.856092',NULL);
INSERT INTO "answer_key" VALUES(2,1,'{"right":[0,1,2]}',4,0,'','2026-11-22 19:25:36.857684',NULL);
INSERT INTO "answer_key" VALUES(3,1,'{"right":true}',4,0,'','2026-11-22 19:25:36.858390',NULL);
INSERT INTO "answer_key" VALUES(4,1,'{"blanks":[["1921","一九二一"]]}',4,0,'','2026-11-22 19:25:36.859053',NULL);
INSERT INTO "answer_key" VALUES(5,1,'{"order":[1,0,2]}',4,0,'','2026-11-22 19:25:36.859700',NULL);
INSERT INTO "answer_key" VALUES(6,1,'{"pairs":[1,0]}',4,0,'','2026-11-22 19:25:36.860379',NULL);
INSERT INTO "answer_key" VALUES(7,1,'{"model":"每月一次，由组长召集。"}',4,0,'','2026-11-22 19:25:36.864240',NULL);
CREATE TABLE attempt (
	id INTEGER NOT NULL, 
	quiz_id INTEGER NOT NULL, 
	member_id INTEGER NOT NULL, 
	account_id INTEGER, 
	org_id INTEGER NOT NULL, 
	no INTEGER NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	seed INTEGER NOT NULL, 
	paper JSON NOT NULL, 
	started_ms INTEGER NOT NULL, 
	deadline_ms INTEGER, 
	extra_ms INTEGER NOT NULL, 
	submitted_ms INTEGER, 
	submitted_by VARCHAR(10) NOT NULL, 
	holder VARCHAR(16) NOT NULL, 
	device VARCHAR(60) NOT NULL, 
	seat VARCHAR(20) NOT NULL, 
	on_paper BOOLEAN NOT NULL, 
	seen_ms INTEGER NOT NULL, 
	answered INTEGER NOT NULL, 
	score_100 INTEGER, 
	max_100 INTEGER NOT NULL, 
	passed BOOLEAN, 
	CONSTRAINT pk_attempt PRIMARY KEY (id), 
	CONSTRAINT fk_attempt_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_attempt_member_id FOREIGN KEY(member_id) REFERENCES member (id), 
	CONSTRAINT fk_attempt_org_id FOREIGN KEY(org_id) REFERENCES organization (id), 
	CONSTRAINT fk_attempt_quiz_id FOREIGN KEY(quiz_id) REFERENCES quiz (id), 
	CONSTRAINT uq_attempt_quiz_id_member_id_no UNIQUE (quiz_id, member_id, no)
);
INSERT INTO "attempt" VALUES(1,1,1,NULL,3,1,'submitted',1,'[[1,1,500,null,null],[2,2,500,null,null],[3,3,500,null,null],[4,4,500,null,null],[5,5,500,null,null],[6,6,500,null,null],[7,7,500,null,null]]',1795374936868,NULL,0,1795375536868,'member','','','',0,0,0,NULL,3500,NULL);
CREATE TABLE attempt_answer (
	attempt_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	version_id INTEGER NOT NULL, 
	answer JSON, 
	n INTEGER NOT NULL, 
	saved_ms INTEGER NOT NULL, 
	spent_ms INTEGER NOT NULL, 
	points_100 INTEGER, 
	key_revision INTEGER, 
	CONSTRAINT pk_attempt_answer PRIMARY KEY (attempt_id, position), 
	CONSTRAINT fk_attempt_answer_attempt_id FOREIGN KEY(attempt_id) REFERENCES attempt (id), 
	CONSTRAINT fk_attempt_answer_version_id FOREIGN KEY(version_id) REFERENCES question_version (id)
);
INSERT INTO "attempt_answer" VALUES(1,0,1,'[1]',1,1795375536868,5000,500,1);
INSERT INTO "attempt_answer" VALUES(1,1,2,'[0,1,2]',1,1795375536868,5000,500,1);
INSERT INTO "attempt_answer" VALUES(1,2,3,'true',1,1795375536868,5000,500,1);
INSERT INTO "attempt_answer" VALUES(1,3,4,'["1921"]',1,1795375536868,5000,500,1);
INSERT INTO "attempt_answer" VALUES(1,4,5,'[1,0,2]',1,1795375536868,5000,500,1);
INSERT INTO "attempt_answer" VALUES(1,5,6,'[1,0]',1,1795375536868,5000,500,1);
INSERT INTO "attempt_answer" VALUES(1,6,7,'"每月一次。"',1,1795375536868,5000,NULL,1);
CREATE TABLE attempt_event (
	id INTEGER NOT NULL, 
	attempt_id INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	account_id INTEGER, 
	body JSON NOT NULL, 
	CONSTRAINT pk_attempt_event PRIMARY KEY (id), 
	CONSTRAINT fk_attempt_event_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_attempt_event_attempt_id FOREIGN KEY(attempt_id) REFERENCES attempt (id)
);
CREATE TABLE audit_log (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	account_id INTEGER, 
	address VARCHAR(45) NOT NULL, 
	event VARCHAR(60) NOT NULL, 
	subject_kind VARCHAR(30) NOT NULL, 
	subject_id INTEGER, 
	org_id INTEGER, 
	detail JSON NOT NULL, 
	CONSTRAINT pk_audit_log PRIMARY KEY (id)
);
CREATE TABLE course (
	id INTEGER NOT NULL, 
	title VARCHAR(80) NOT NULL, 
	slip VARCHAR(4) NOT NULL, 
	summary VARCHAR(1000) NOT NULL, 
	category_id INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	compulsory BOOLEAN NOT NULL, 
	hours_100 INTEGER NOT NULL, 
	secrecy VARCHAR(10) NOT NULL, 
	state VARCHAR(12) NOT NULL, 
	org_id INTEGER NOT NULL, 
	trainer_id INTEGER NOT NULL, 
	reviewer_id INTEGER, 
	review_note VARCHAR(400) NOT NULL, 
	created_at DATETIME NOT NULL, 
	submitted_at DATETIME, 
	published_at DATETIME, 
	version INTEGER NOT NULL, 
	CONSTRAINT pk_course PRIMARY KEY (id), 
	CONSTRAINT fk_course_category_id FOREIGN KEY(category_id) REFERENCES course_category (id), 
	CONSTRAINT fk_course_org_id FOREIGN KEY(org_id) REFERENCES organization (id), 
	CONSTRAINT fk_course_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES account (id), 
	CONSTRAINT fk_course_trainer_id FOREIGN KEY(trainer_id) REFERENCES account (id)
);
CREATE TABLE course_audience (
	course_id INTEGER NOT NULL, 
	org_id INTEGER NOT NULL, 
	CONSTRAINT pk_course_audience PRIMARY KEY (course_id, org_id), 
	CONSTRAINT fk_course_audience_course_id FOREIGN KEY(course_id) REFERENCES course (id), 
	CONSTRAINT fk_course_audience_org_id FOREIGN KEY(org_id) REFERENCES organization (id)
);
CREATE TABLE course_category (
	id INTEGER NOT NULL, 
	name VARCHAR(40) NOT NULL, 
	slip VARCHAR(4) NOT NULL, 
	sort_no INTEGER NOT NULL, 
	CONSTRAINT pk_course_category PRIMARY KEY (id), 
	CONSTRAINT uq_course_category_name UNIQUE (name)
);
CREATE TABLE course_term (
	term VARCHAR(40) NOT NULL, 
	course_id INTEGER NOT NULL, 
	weight INTEGER NOT NULL, 
	CONSTRAINT pk_course_term PRIMARY KEY (term, course_id), 
	CONSTRAINT fk_course_term_course_id FOREIGN KEY(course_id) REFERENCES course (id)
);
CREATE TABLE coverage (
	member_id INTEGER NOT NULL, 
	part_id INTEGER NOT NULL, 
	mode VARCHAR(10) NOT NULL, 
	intervals JSON NOT NULL, 
	refused JSON NOT NULL, 
	covered_ms INTEGER NOT NULL, 
	position_ms INTEGER NOT NULL, 
	pass_year INTEGER NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_coverage PRIMARY KEY (member_id, part_id, mode), 
	CONSTRAINT fk_coverage_member_id FOREIGN KEY(member_id) REFERENCES member (id), 
	CONSTRAINT fk_coverage_part_id FOREIGN KEY(part_id) REFERENCES study_part (id)
);
CREATE TABLE hour_exemption (
	id INTEGER NOT NULL, 
	member_id INTEGER NOT NULL, 
	year INTEGER NOT NULL, 
	reason VARCHAR(200) NOT NULL, 
	approved_by INTEGER, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_hour_exemption PRIMARY KEY (id), 
	CONSTRAINT fk_hour_exemption_approved_by FOREIGN KEY(approved_by) REFERENCES account (id), 
	CONSTRAINT fk_hour_exemption_member_id FOREIGN KEY(member_id) REFERENCES member (id), 
	CONSTRAINT uq_hour_exemption_member_id_year UNIQUE (member_id, year)
);
CREATE TABLE hour_policy (
	id INTEGER NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	audience VARCHAR(20) NOT NULL, 
	effective_from DATE NOT NULL, 
	effective_until DATE, 
	required_group_100 INTEGER NOT NULL, 
	required_online_100 INTEGER NOT NULL, 
	minutes_per_hour INTEGER NOT NULL, 
	completion_permille INTEGER NOT NULL, 
	rate_permille INTEGER NOT NULL, 
	gap_ms INTEGER NOT NULL, 
	daily_cap_ms INTEGER NOT NULL, 
	check_every_ms INTEGER NOT NULL, 
	check_answer_ms INTEGER NOT NULL, 
	online_counts BOOLEAN NOT NULL, 
	proration VARCHAR(20) NOT NULL, 
	CONSTRAINT pk_hour_policy PRIMARY KEY (id)
);
CREATE TABLE lease (
	name VARCHAR(60) NOT NULL, 
	holder VARCHAR(120) NOT NULL, 
	until DATETIME NOT NULL, 
	CONSTRAINT pk_lease PRIMARY KEY (name)
);
CREATE TABLE lesson (
	id INTEGER NOT NULL, 
	course_id INTEGER NOT NULL, 
	title VARCHAR(80) NOT NULL, 
	position INTEGER NOT NULL, 
	asset_id INTEGER, 
	timeline_id INTEGER, 
	CONSTRAINT pk_lesson PRIMARY KEY (id), 
	CONSTRAINT fk_lesson_asset_id FOREIGN KEY(asset_id) REFERENCES media_asset (id), 
	CONSTRAINT fk_lesson_course_id FOREIGN KEY(course_id) REFERENCES course (id), 
	CONSTRAINT fk_lesson_timeline_id FOREIGN KEY(timeline_id) REFERENCES timeline (id)
);
CREATE TABLE live_attendance (
	class_id INTEGER NOT NULL, 
	member_id INTEGER NOT NULL, 
	org_id INTEGER NOT NULL, 
	expected BOOLEAN NOT NULL, 
	first_ms INTEGER, 
	last_ms INTEGER, 
	counted_ms INTEGER NOT NULL, 
	met BOOLEAN NOT NULL, 
	makeup_until DATETIME, 
	CONSTRAINT pk_live_attendance PRIMARY KEY (class_id, member_id), 
	CONSTRAINT fk_live_attendance_class_id FOREIGN KEY(class_id) REFERENCES live_class (id), 
	CONSTRAINT fk_live_attendance_member_id FOREIGN KEY(member_id) REFERENCES member (id), 
	CONSTRAINT fk_live_attendance_org_id FOREIGN KEY(org_id) REFERENCES organization (id)
);
CREATE TABLE live_audience (
	class_id INTEGER NOT NULL, 
	org_id INTEGER NOT NULL, 
	CONSTRAINT pk_live_audience PRIMARY KEY (class_id, org_id), 
	CONSTRAINT fk_live_audience_class_id FOREIGN KEY(class_id) REFERENCES live_class (id), 
	CONSTRAINT fk_live_audience_org_id FOREIGN KEY(org_id) REFERENCES organization (id)
);
CREATE TABLE live_check (
	id INTEGER NOT NULL, 
	class_id INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	answer_ms INTEGER NOT NULL, 
	CONSTRAINT pk_live_check PRIMARY KEY (id), 
	CONSTRAINT fk_live_check_class_id FOREIGN KEY(class_id) REFERENCES live_class (id)
);
CREATE TABLE live_class (
	id INTEGER NOT NULL, 
	title VARCHAR(80) NOT NULL, 
	summary VARCHAR(1000) NOT NULL, 
	slip VARCHAR(4) NOT NULL, 
	org_id INTEGER NOT NULL, 
	trainer_id INTEGER NOT NULL, 
	helper_id INTEGER, 
	course_id INTEGER, 
	starts_at DATETIME NOT NULL, 
	minutes INTEGER NOT NULL, 
	hours_100 INTEGER NOT NULL, 
	compulsory BOOLEAN NOT NULL, 
	secrecy VARCHAR(10) NOT NULL, 
	makeup_days INTEGER NOT NULL, 
	state VARCHAR(12) NOT NULL, 
	rules JSON NOT NULL, 
	deck_id INTEGER, 
	stream_id INTEGER, 
	event_no INTEGER NOT NULL, 
	page INTEGER NOT NULL, 
	sources JSON NOT NULL, 
	started_ms INTEGER, 
	ended_ms INTEGER, 
	settled_at DATETIME, 
	replay VARCHAR(12) NOT NULL, 
	replay_in_ms INTEGER NOT NULL, 
	replay_out_ms INTEGER, 
	replay_at DATETIME, 
	captions_key VARCHAR(200), 
	reviewer_id INTEGER, 
	review_note VARCHAR(400) NOT NULL, 
	created_at DATETIME NOT NULL, 
	submitted_at DATETIME, 
	version INTEGER NOT NULL, 
	CONSTRAINT pk_live_class PRIMARY KEY (id), 
	CONSTRAINT fk_live_class_deck_id FOREIGN KEY(deck_id) REFERENCES slide_deck (id), 
	CONSTRAINT fk_live_class_helper_id FOREIGN KEY(helper_id) REFERENCES account (id), 
	CONSTRAINT fk_live_class_org_id FOREIGN KEY(org_id) REFERENCES organization (id), 
	CONSTRAINT fk_live_class_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES account (id), 
	CONSTRAINT fk_live_class_stream_id FOREIGN KEY(stream_id) REFERENCES stream (id), 
	CONSTRAINT fk_live_class_trainer_id FOREIGN KEY(trainer_id) REFERENCES account (id)
);
INSERT INTO "live_class" VALUES(1,'河东夜校：冬季柑橘园怎么管','','',1,4,NULL,NULL,'2026-11-22 19:24:36.826853',2,100,0,'internal',14,'ended','{}',NULL,1,2,1,'[]',1795375416829,1795375536829,NULL,'attended',0,NULL,NULL,NULL,NULL,'','2026-11-22 19:25:36.826859',NULL,1);
CREATE TABLE live_code (
	id INTEGER NOT NULL, 
	class_id INTEGER NOT NULL, 
	code VARCHAR(8) NOT NULL, 
	opened_ms INTEGER NOT NULL, 
	closed_ms INTEGER, 
	CONSTRAINT pk_live_code PRIMARY KEY (id), 
	CONSTRAINT fk_live_code_class_id FOREIGN KEY(class_id) REFERENCES live_class (id)
);
CREATE TABLE live_event (
	class_id INTEGER NOT NULL, 
	no INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	audience VARCHAR(30) NOT NULL, 
	account_id INTEGER, 
	"key" VARCHAR(40), 
	body JSON NOT NULL, 
	CONSTRAINT pk_live_event PRIMARY KEY (class_id, no), 
	CONSTRAINT fk_live_event_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_live_event_class_id FOREIGN KEY(class_id) REFERENCES live_class (id), 
	CONSTRAINT uq_live_event_class_id_account_id_key UNIQUE (class_id, account_id, "key")
);
INSERT INTO "live_event" VALUES(1,1,1795375416829,'state','all',NULL,NULL,'{"state":"live"}');
INSERT INTO "live_event" VALUES(1,2,1795375536829,'state','all',NULL,NULL,'{"state":"ended"}');
CREATE TABLE live_hand (
	id INTEGER NOT NULL, 
	class_id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	raised_ms INTEGER NOT NULL, 
	called_ms INTEGER, 
	done_ms INTEGER, 
	slot INTEGER, 
	state VARCHAR(10) NOT NULL, 
	CONSTRAINT pk_live_hand PRIMARY KEY (id), 
	CONSTRAINT fk_live_hand_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_live_hand_class_id FOREIGN KEY(class_id) REFERENCES live_class (id)
);
CREATE TABLE live_here (
	check_id INTEGER NOT NULL, 
	member_id INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	CONSTRAINT pk_live_here PRIMARY KEY (check_id, member_id), 
	CONSTRAINT fk_live_here_check_id FOREIGN KEY(check_id) REFERENCES live_check (id), 
	CONSTRAINT fk_live_here_member_id FOREIGN KEY(member_id) REFERENCES member (id)
);
CREATE TABLE live_message (
	id INTEGER NOT NULL, 
	class_id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	text VARCHAR(300) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	handled_by INTEGER, 
	CONSTRAINT pk_live_message PRIMARY KEY (id), 
	CONSTRAINT fk_live_message_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_live_message_class_id FOREIGN KEY(class_id) REFERENCES live_class (id), 
	CONSTRAINT fk_live_message_handled_by FOREIGN KEY(handled_by) REFERENCES account (id)
);
CREATE TABLE live_mute (
	class_id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	muted_by INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	CONSTRAINT pk_live_mute PRIMARY KEY (class_id, account_id), 
	CONSTRAINT fk_live_mute_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_live_mute_class_id FOREIGN KEY(class_id) REFERENCES live_class (id), 
	CONSTRAINT fk_live_mute_muted_by FOREIGN KEY(muted_by) REFERENCES account (id)
);
CREATE TABLE live_poll (
	id INTEGER NOT NULL, 
	class_id INTEGER NOT NULL, 
	question VARCHAR(200) NOT NULL, 
	options JSON NOT NULL, 
	multiple BOOLEAN NOT NULL, 
	anonymous BOOLEAN NOT NULL, 
	"right" JSON, 
	explanation VARCHAR(400) NOT NULL, 
	question_ref INTEGER, 
	tally JSON NOT NULL, 
	voters INTEGER NOT NULL, 
	opened_ms INTEGER NOT NULL, 
	closed_ms INTEGER, 
	CONSTRAINT pk_live_poll PRIMARY KEY (id), 
	CONSTRAINT fk_live_poll_class_id FOREIGN KEY(class_id) REFERENCES live_class (id)
);
CREATE TABLE live_presence (
	id INTEGER NOT NULL, 
	class_id INTEGER NOT NULL, 
	member_id INTEGER NOT NULL, 
	mode VARCHAR(10) NOT NULL, 
	entered_ms INTEGER NOT NULL, 
	seen_ms INTEGER NOT NULL, 
	"left" BOOLEAN NOT NULL, 
	device VARCHAR(60) NOT NULL, 
	watching VARCHAR(8) NOT NULL, 
	CONSTRAINT pk_live_presence PRIMARY KEY (id), 
	CONSTRAINT fk_live_presence_class_id FOREIGN KEY(class_id) REFERENCES live_class (id), 
	CONSTRAINT fk_live_presence_member_id FOREIGN KEY(member_id) REFERENCES member (id)
);
CREATE TABLE live_question (
	id INTEGER NOT NULL, 
	class_id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	text VARCHAR(300) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	seconds INTEGER NOT NULL, 
	answering_ms INTEGER, 
	CONSTRAINT pk_live_question PRIMARY KEY (id), 
	CONSTRAINT fk_live_question_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_live_question_class_id FOREIGN KEY(class_id) REFERENCES live_class (id)
);
CREATE TABLE live_report (
	class_id INTEGER NOT NULL, 
	body JSON NOT NULL, 
	built_at DATETIME NOT NULL, 
	CONSTRAINT pk_live_report PRIMARY KEY (class_id), 
	CONSTRAINT fk_live_report_class_id FOREIGN KEY(class_id) REFERENCES live_class (id)
);
CREATE TABLE live_second (
	question_id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	CONSTRAINT pk_live_second PRIMARY KEY (question_id, account_id), 
	CONSTRAINT fk_live_second_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_live_second_question_id FOREIGN KEY(question_id) REFERENCES live_question (id)
);
CREATE TABLE live_sign_in (
	class_id INTEGER NOT NULL, 
	member_id INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	CONSTRAINT pk_live_sign_in PRIMARY KEY (class_id, member_id), 
	CONSTRAINT fk_live_sign_in_class_id FOREIGN KEY(class_id) REFERENCES live_class (id), 
	CONSTRAINT fk_live_sign_in_member_id FOREIGN KEY(member_id) REFERENCES member (id)
);
CREATE TABLE live_voter (
	poll_id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	choices JSON, 
	CONSTRAINT pk_live_voter PRIMARY KEY (poll_id, account_id), 
	CONSTRAINT fk_live_voter_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_live_voter_poll_id FOREIGN KEY(poll_id) REFERENCES live_poll (id)
)
 WITHOUT ROWID

;
CREATE TABLE media_asset (
	id INTEGER NOT NULL, 
	owner_id INTEGER NOT NULL, 
	title VARCHAR(120) NOT NULL, 
	file_name VARCHAR(255) NOT NULL, 
	size BIGINT NOT NULL, 
	sha256 VARCHAR(64), 
	source_key VARCHAR(200), 
	state VARCHAR(20) NOT NULL, 
	reason_code VARCHAR(60), 
	reason_params JSON NOT NULL, 
	probe JSON NOT NULL, 
	loudness JSON NOT NULL, 
	twin_id INTEGER, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_media_asset PRIMARY KEY (id), 
	CONSTRAINT fk_media_asset_owner_id FOREIGN KEY(owner_id) REFERENCES account (id), 
	CONSTRAINT fk_media_asset_twin_id FOREIGN KEY(twin_id) REFERENCES media_asset (id)
);
CREATE TABLE media_job (
	id INTEGER NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	"key" VARCHAR(120) NOT NULL, 
	asset_id INTEGER, 
	args JSON NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	priority INTEGER NOT NULL, 
	run_at DATETIME NOT NULL, 
	attempt INTEGER NOT NULL, 
	max_attempts INTEGER NOT NULL, 
	lease_until DATETIME, 
	token VARCHAR(36), 
	worker VARCHAR(80), 
	progress INTEGER NOT NULL, 
	stage VARCHAR(40) NOT NULL, 
	reason_code VARCHAR(60), 
	reason_params JSON NOT NULL, 
	detail TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	CONSTRAINT pk_media_job PRIMARY KEY (id), 
	CONSTRAINT fk_media_job_asset_id FOREIGN KEY(asset_id) REFERENCES media_asset (id), 
	CONSTRAINT uq_media_job_key UNIQUE ("key")
);
CREATE TABLE member (
	id INTEGER NOT NULL, 
	org_id INTEGER NOT NULL, 
	name VARCHAR(40) NOT NULL, 
	pinyin VARCHAR(200) NOT NULL, 
	initials VARCHAR(40) NOT NULL, 
	strokes INTEGER NOT NULL, 
	gender INTEGER NOT NULL, 
	ethnicity VARCHAR(2) NOT NULL, 
	birth_date DATE, 
	education VARCHAR(2) NOT NULL, 
	category VARCHAR(20) NOT NULL, 
	join_date DATE, 
	full_date DATE, 
	post VARCHAR(20), 
	job VARCHAR(60) NOT NULL, 
	id_number_enc BLOB, 
	id_number_hash VARCHAR(64), 
	mobile_enc BLOB, 
	floating BOOLEAN NOT NULL, 
	flow_to VARCHAR(60) NOT NULL, 
	party_status VARCHAR(20) NOT NULL, 
	no_presence_check BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_member PRIMARY KEY (id), 
	CONSTRAINT fk_member_org_id FOREIGN KEY(org_id) REFERENCES organization (id), 
	CONSTRAINT uq_member_id_number_hash UNIQUE (id_number_hash)
);
INSERT INTO "member" VALUES(1,3,'王建国','','',0,0,'01',NULL,'','full','2015-07-01',NULL,NULL,'',NULL,NULL,NULL,0,'','normal',0,'2026-01-05 01:00:00.000000');
INSERT INTO "member" VALUES(2,3,'李秀兰','','',0,0,'01',NULL,'','full','2015-07-01',NULL,NULL,'',NULL,NULL,NULL,0,'','normal',0,'2026-01-05 01:00:00.000000');
INSERT INTO "member" VALUES(3,4,'阿依古丽·买买提','','',0,0,'01',NULL,'','full','2015-07-01',NULL,NULL,'',NULL,NULL,NULL,0,'','normal',0,'2026-01-05 01:00:00.000000');
CREATE TABLE member_year (
	member_id INTEGER NOT NULL, 
	year INTEGER NOT NULL, 
	org_id INTEGER NOT NULL, 
	group_100 INTEGER NOT NULL, 
	online_100 INTEGER NOT NULL, 
	required_group_100 INTEGER NOT NULL, 
	required_online_100 INTEGER NOT NULL, 
	online_counts BOOLEAN NOT NULL, 
	exempt BOOLEAN NOT NULL, 
	met BOOLEAN NOT NULL, 
	counted BOOLEAN NOT NULL, 
	CONSTRAINT pk_member_year PRIMARY KEY (member_id, year), 
	CONSTRAINT fk_member_year_member_id FOREIGN KEY(member_id) REFERENCES member (id), 
	CONSTRAINT fk_member_year_org_id FOREIGN KEY(org_id) REFERENCES organization (id)
);
CREATE TABLE membership_transfer (
	id INTEGER NOT NULL, 
	member_id INTEGER NOT NULL, 
	from_org_id INTEGER NOT NULL, 
	to_org_id INTEGER NOT NULL, 
	on_date DATE NOT NULL, 
	by_account_id INTEGER, 
	CONSTRAINT pk_membership_transfer PRIMARY KEY (id), 
	CONSTRAINT fk_membership_transfer_by_account_id FOREIGN KEY(by_account_id) REFERENCES account (id), 
	CONSTRAINT fk_membership_transfer_from_org_id FOREIGN KEY(from_org_id) REFERENCES organization (id), 
	CONSTRAINT fk_membership_transfer_member_id FOREIGN KEY(member_id) REFERENCES member (id), 
	CONSTRAINT fk_membership_transfer_to_org_id FOREIGN KEY(to_org_id) REFERENCES organization (id)
);
CREATE TABLE org_closure (
	ancestor_id INTEGER NOT NULL, 
	descendant_id INTEGER NOT NULL, 
	distance INTEGER NOT NULL, 
	CONSTRAINT pk_org_closure PRIMARY KEY (ancestor_id, descendant_id), 
	CONSTRAINT fk_org_closure_ancestor_id FOREIGN KEY(ancestor_id) REFERENCES organization (id), 
	CONSTRAINT fk_org_closure_descendant_id FOREIGN KEY(descendant_id) REFERENCES organization (id)
);
INSERT INTO "org_closure" VALUES(1,1,0);
INSERT INTO "org_closure" VALUES(2,2,0);
INSERT INTO "org_closure" VALUES(1,2,1);
INSERT INTO "org_closure" VALUES(3,3,0);
INSERT INTO "org_closure" VALUES(2,3,1);
INSERT INTO "org_closure" VALUES(1,3,2);
INSERT INTO "org_closure" VALUES(4,4,0);
INSERT INTO "org_closure" VALUES(2,4,1);
INSERT INTO "org_closure" VALUES(1,4,2);
CREATE TABLE org_tree_lock (
	id INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	CONSTRAINT pk_org_tree_lock PRIMARY KEY (id)
);
CREATE TABLE org_year (
	org_id INTEGER NOT NULL, 
	year INTEGER NOT NULL, 
	members INTEGER NOT NULL, 
	exempt INTEGER NOT NULL, 
	met INTEGER NOT NULL, 
	started INTEGER NOT NULL, 
	group_100 BIGINT NOT NULL, 
	online_100 BIGINT NOT NULL, 
	months JSON NOT NULL, 
	parent_id INTEGER, 
	built_at DATETIME, 
	CONSTRAINT pk_org_year PRIMARY KEY (org_id, year), 
	CONSTRAINT fk_org_year_org_id FOREIGN KEY(org_id) REFERENCES organization (id)
);
CREATE TABLE org_year_mark (
	id INTEGER NOT NULL, 
	org_id INTEGER NOT NULL, 
	year INTEGER NOT NULL, 
	CONSTRAINT pk_org_year_mark PRIMARY KEY (id)
);
CREATE TABLE organization (
	id INTEGER NOT NULL, 
	code VARCHAR(40) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	short_name VARCHAR(60) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	parent_id INTEGER, 
	path VARCHAR(80) NOT NULL, 
	sort_no INTEGER NOT NULL, 
	closed_on DATE, 
	CONSTRAINT pk_organization PRIMARY KEY (id), 
	CONSTRAINT fk_organization_parent_id FOREIGN KEY(parent_id) REFERENCES organization (id), 
	CONSTRAINT uq_organization_code UNIQUE (code), 
	CONSTRAINT uq_organization_path UNIQUE (path)
);
INSERT INTO "organization" VALUES(1,'001','中共青禾县委员会','青禾县','committee',NULL,'001.',1,NULL);
INSERT INTO "organization" VALUES(2,'001001','中共石桥镇委员会','石桥镇','committee',1,'001.001.',1,NULL);
INSERT INTO "organization" VALUES(3,'001001001','中共河东村支部委员会','河东村','branch',2,'001.001.001.',1,NULL);
INSERT INTO "organization" VALUES(4,'001001002','中共河西村支部委员会','河西村','branch',2,'001.001.002.',2,NULL);
CREATE TABLE password_use (
	id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	since DATETIME NOT NULL, 
	CONSTRAINT pk_password_use PRIMARY KEY (id), 
	CONSTRAINT fk_password_use_account_id FOREIGN KEY(account_id) REFERENCES account (id)
);
CREATE TABLE play_session (
	id INTEGER NOT NULL, 
	nonce VARCHAR(16) NOT NULL, 
	member_id INTEGER NOT NULL, 
	part_id INTEGER NOT NULL, 
	policy_id INTEGER, 
	opened_at DATETIME NOT NULL, 
	device VARCHAR(200) NOT NULL, 
	seen_ms INTEGER NOT NULL, 
	heard_ms INTEGER NOT NULL, 
	ended_ms INTEGER, 
	paused_ms INTEGER, 
	check_due_ms INTEGER, 
	check_left_ms INTEGER, 
	budget_us INTEGER NOT NULL, 
	wall_ms INTEGER NOT NULL, 
	held JSON NOT NULL, 
	CONSTRAINT pk_play_session PRIMARY KEY (id), 
	CONSTRAINT fk_play_session_member_id FOREIGN KEY(member_id) REFERENCES member (id), 
	CONSTRAINT fk_play_session_part_id FOREIGN KEY(part_id) REFERENCES study_part (id), 
	CONSTRAINT fk_play_session_policy_id FOREIGN KEY(policy_id) REFERENCES hour_policy (id)
);
CREATE TABLE post_holding (
	id INTEGER NOT NULL, 
	member_id INTEGER NOT NULL, 
	post VARCHAR(20) NOT NULL, 
	since DATE NOT NULL, 
	until DATE, 
	CONSTRAINT pk_post_holding PRIMARY KEY (id), 
	CONSTRAINT fk_post_holding_member_id FOREIGN KEY(member_id) REFERENCES member (id)
);
CREATE TABLE question (
	id INTEGER NOT NULL, 
	org_id INTEGER NOT NULL, 
	author_id INTEGER NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	category VARCHAR(40) NOT NULL, 
	difficulty INTEGER NOT NULL, 
	brief VARCHAR(120) NOT NULL, 
	digest VARCHAR(32) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	latest_no INTEGER NOT NULL, 
	approved_id INTEGER, 
	valid_from DATE, 
	valid_until DATE, 
	reviewer_id INTEGER, 
	review_note VARCHAR(400) NOT NULL, 
	created_at DATETIME NOT NULL, 
	submitted_at DATETIME, 
	changed_at DATETIME NOT NULL, 
	words TEXT NOT NULL, 
	sketch VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_question PRIMARY KEY (id), 
	CONSTRAINT fk_question_author_id FOREIGN KEY(author_id) REFERENCES account (id), 
	CONSTRAINT fk_question_org_id FOREIGN KEY(org_id) REFERENCES organization (id), 
	CONSTRAINT fk_question_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES account (id)
);
INSERT INTO "question" VALUES(1,1,4,'single','党章',1,'国家宪法日是哪一天？','','approved',1,1,NULL,NULL,NULL,'','2026-11-22 19:25:36.854077',NULL,'2026-11-22 19:25:36.854079','','');
INSERT INTO "question" VALUES(2,1,4,'multiple','党章',1,'“三会一课”的“三会”包括哪些？','','approved',1,2,NULL,NULL,NULL,'','2026-11-22 19:25:36.857188',NULL,'2026-11-22 19:25:36.857189','','');
INSERT INTO "question" VALUES(3,1,4,'judge','党章',1,'党员有退党的自由。','','approved',1,3,NULL,NULL,NULL,'','2026-11-22 19:25:36.857989',NULL,'2026-11-22 19:25:36.857990','','');
INSERT INTO "question" VALUES(4,1,4,'fill','党章',1,'一大召开于____年。','','approved',1,4,NULL,NULL,NULL,'','2026-11-22 19:25:36.858669',NULL,'2026-11-22 19:25:36.858670','','');
INSERT INTO "question" VALUES(5,1,4,'order','党章',1,'按先后排列。','','approved',1,5,NULL,NULL,NULL,'','2026-11-22 19:25:36.859329',NULL,'2026-11-22 19:25:36.859330','','');
INSERT INTO "question" VALUES(6,1,4,'match','党章',1,'把会议和地点连起来。','','approved',1,6,NULL,NULL,NULL,'','2026-11-22 19:25:36.859962',NULL,'2026-11-22 19:25:36.859963','','');
INSERT INTO "question" VALUES(7,1,4,'short','党章',1,'党小组会怎么开？','','approved',1,7,NULL,NULL,NULL,'','2026-11-22 19:25:36.860716',NULL,'2026-11-22 19:25:36.860717','','');
CREATE TABLE question_file (
	id INTEGER NOT NULL, 
	org_id INTEGER NOT NULL, 
	owner_id INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	mime VARCHAR(40) NOT NULL, 
	size INTEGER NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	length_ms INTEGER NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	alt VARCHAR(200) NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_question_file PRIMARY KEY (id), 
	CONSTRAINT fk_question_file_org_id FOREIGN KEY(org_id) REFERENCES organization (id), 
	CONSTRAINT fk_question_file_owner_id FOREIGN KEY(owner_id) REFERENCES account (id)
);
CREATE TABLE question_import (
	id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	org_id INTEGER NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	form VARCHAR(12) NOT NULL, 
	object_key VARCHAR(80) NOT NULL, 
	questions INTEGER NOT NULL, 
	errors INTEGER NOT NULL, 
	skipped INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	taken_at DATETIME, 
	CONSTRAINT pk_question_import PRIMARY KEY (id), 
	CONSTRAINT fk_question_import_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_question_import_org_id FOREIGN KEY(org_id) REFERENCES organization (id)
);
CREATE TABLE question_redo (
	member_id INTEGER NOT NULL, 
	question_id INTEGER NOT NULL, 
	"right" BOOLEAN NOT NULL, 
	redone_ms INTEGER NOT NULL, 
	CONSTRAINT pk_question_redo PRIMARY KEY (member_id, question_id), 
	CONSTRAINT fk_question_redo_member_id FOREIGN KEY(member_id) REFERENCES member (id), 
	CONSTRAINT fk_question_redo_question_id FOREIGN KEY(question_id) REFERENCES question (id)
);
CREATE TABLE question_tag (
	tag VARCHAR(20) NOT NULL, 
	question_id INTEGER NOT NULL, 
	CONSTRAINT pk_question_tag PRIMARY KEY (tag, question_id), 
	CONSTRAINT fk_question_tag_question_id FOREIGN KEY(question_id) REFERENCES question (id)
);
CREATE TABLE question_version (
	id INTEGER NOT NULL, 
	question_id INTEGER NOT NULL, 
	no INTEGER NOT NULL, 
	body JSON NOT NULL, 
	explanation VARCHAR(2000) NOT NULL, 
	basis VARCHAR(400) NOT NULL, 
	author_id INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	approved_at DATETIME, 
	reviewer_id INTEGER, 
	CONSTRAINT pk_question_version PRIMARY KEY (id), 
	CONSTRAINT fk_question_version_author_id FOREIGN KEY(author_id) REFERENCES account (id), 
	CONSTRAINT fk_question_version_question_id FOREIGN KEY(question_id) REFERENCES question (id), 
	CONSTRAINT fk_question_version_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES account (id), 
	CONSTRAINT uq_question_version_question_id_no UNIQUE (question_id, no)
);
INSERT INTO "question_version" VALUES(1,1,1,'{"stem":"国家宪法日是哪一天？","media":[],"options":[{"text":"10月1日","media":[]},{"text":"12月4日","media":[]},{"text":"12月13日","media":[]}]}','见党章。','党章',4,'2026-11-22 19:25:36.855244',NULL,NULL);
INSERT INTO "question_version" VALUES(2,2,1,'{"stem":"“三会一课”的“三会”包括哪些？","media":[],"options":[{"text":"支部党员大会","media":[]},{"text":"支部委员会会议","media":[]},{"text":"党小组会","media":[]},{"text":"民主生活会","media":[]}]}','见党章。','党章',4,'2026-11-22 19:25:36.857468',NULL,NULL);
INSERT INTO "question_version" VALUES(3,3,1,'{"stem":"党员有退党的自由。","media":[]}','见党章。','党章',4,'2026-11-22 19:25:36.858221',NULL,NULL);
INSERT INTO "question_version" VALUES(4,4,1,'{"stem":"一大召开于____年。","media":[],"blanks":1}','见党章。','党章',4,'2026-11-22 19:25:36.858887',NULL,NULL);
INSERT INTO "question_version" VALUES(5,5,1,'{"stem":"按先后排列。","media":[],"options":[{"text":"遵义会议","media":[]},{"text":"一大","media":[]},{"text":"七大","media":[]}]}','见党章。','党章',4,'2026-11-22 19:25:36.859540',NULL,NULL);
INSERT INTO "question_version" VALUES(6,6,1,'{"stem":"把会议和地点连起来。","media":[],"left":[{"text":"一大","media":[]},{"text":"七大","media":[]}],"right":[{"text":"延安","media":[]},{"text":"上海","media":[]},{"text":"遵义","media":[]}]}','见党章。','党章',4,'2026-11-22 19:25:36.860166',NULL,NULL);
INSERT INTO "question_version" VALUES(7,7,1,'{"stem":"党小组会怎么开？","media":[],"limit":500}','见党章。','党章',4,'2026-11-22 19:25:36.863891',NULL,NULL);
CREATE TABLE quiz (
	id INTEGER NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	title VARCHAR(80) NOT NULL, 
	summary VARCHAR(1000) NOT NULL, 
	slip VARCHAR(4) NOT NULL, 
	org_id INTEGER NOT NULL, 
	author_id INTEGER NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	secrecy VARCHAR(10) NOT NULL, 
	version INTEGER NOT NULL, 
	reviewer_id INTEGER, 
	review_note VARCHAR(400) NOT NULL, 
	created_at DATETIME NOT NULL, 
	submitted_at DATETIME, 
	published_at DATETIME, 
	opens_at DATETIME, 
	closes_at DATETIME, 
	minutes INTEGER, 
	grace_s INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	hours_needed_100 INTEGER NOT NULL, 
	resit_of_id INTEGER, 
	seat_code_needed BOOLEAN NOT NULL, 
	seat_code VARCHAR(8) NOT NULL, 
	paused_ms INTEGER, 
	shuffle_questions BOOLEAN NOT NULL, 
	shuffle_options BOOLEAN NOT NULL, 
	one_a_page BOOLEAN NOT NULL, 
	partial BOOLEAN NOT NULL, 
	show VARCHAR(10) NOT NULL, 
	pass_permille INTEGER NOT NULL, 
	max_100 INTEGER NOT NULL, 
	hours_100 INTEGER NOT NULL, 
	mode VARCHAR(10) NOT NULL, 
	compulsory BOOLEAN NOT NULL, 
	course_ref INTEGER, 
	lesson_ref INTEGER, 
	at_ms INTEGER, 
	course_needs BOOLEAN NOT NULL, 
	teams BOOLEAN NOT NULL, 
	table_open BOOLEAN NOT NULL, 
	CONSTRAINT pk_quiz PRIMARY KEY (id), 
	CONSTRAINT fk_quiz_author_id FOREIGN KEY(author_id) REFERENCES account (id), 
	CONSTRAINT fk_quiz_org_id FOREIGN KEY(org_id) REFERENCES organization (id), 
	CONSTRAINT fk_quiz_resit_of_id FOREIGN KEY(resit_of_id) REFERENCES quiz (id), 
	CONSTRAINT fk_quiz_reviewer_id FOREIGN KEY(reviewer_id) REFERENCES account (id)
);
INSERT INTO "quiz" VALUES(1,'exam','党章党纪知识测验','','',1,4,'published','internal',1,NULL,'','2026-11-22 19:25:36.864670',NULL,'2026-11-22 19:25:36.864666',NULL,NULL,30,30,3,0,NULL,0,'',NULL,0,0,1,0,'submitted',600,3500,50,'online',0,NULL,NULL,NULL,0,0,0);
CREATE TABLE quiz_audience (
	quiz_id INTEGER NOT NULL, 
	org_id INTEGER NOT NULL, 
	CONSTRAINT pk_quiz_audience PRIMARY KEY (quiz_id, org_id), 
	CONSTRAINT fk_quiz_audience_org_id FOREIGN KEY(org_id) REFERENCES organization (id), 
	CONSTRAINT fk_quiz_audience_quiz_id FOREIGN KEY(quiz_id) REFERENCES quiz (id)
);
CREATE TABLE quiz_helper (
	quiz_id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	CONSTRAINT pk_quiz_helper PRIMARY KEY (quiz_id, account_id), 
	CONSTRAINT fk_quiz_helper_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_quiz_helper_quiz_id FOREIGN KEY(quiz_id) REFERENCES quiz (id)
);
CREATE TABLE quiz_item (
	section_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	question_id INTEGER NOT NULL, 
	points_100 INTEGER, 
	CONSTRAINT pk_quiz_item PRIMARY KEY (section_id, position), 
	CONSTRAINT fk_quiz_item_question_id FOREIGN KEY(question_id) REFERENCES question (id), 
	CONSTRAINT fk_quiz_item_section_id FOREIGN KEY(section_id) REFERENCES quiz_section (id)
);
INSERT INTO "quiz_item" VALUES(1,1,1,NULL);
INSERT INTO "quiz_item" VALUES(1,2,2,NULL);
INSERT INTO "quiz_item" VALUES(1,3,3,NULL);
INSERT INTO "quiz_item" VALUES(1,4,4,NULL);
INSERT INTO "quiz_item" VALUES(1,5,5,NULL);
INSERT INTO "quiz_item" VALUES(1,6,6,NULL);
INSERT INTO "quiz_item" VALUES(1,7,7,NULL);
CREATE TABLE quiz_note (
	id INTEGER NOT NULL, 
	quiz_id INTEGER NOT NULL, 
	attempt_id INTEGER, 
	account_id INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	text VARCHAR(400) NOT NULL, 
	CONSTRAINT pk_quiz_note PRIMARY KEY (id), 
	CONSTRAINT fk_quiz_note_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_quiz_note_attempt_id FOREIGN KEY(attempt_id) REFERENCES attempt (id), 
	CONSTRAINT fk_quiz_note_quiz_id FOREIGN KEY(quiz_id) REFERENCES quiz (id)
);
CREATE TABLE quiz_report (
	quiz_id INTEGER NOT NULL, 
	body JSON NOT NULL, 
	basis VARCHAR(60) NOT NULL, 
	asked_at DATETIME, 
	built_at DATETIME, 
	CONSTRAINT pk_quiz_report PRIMARY KEY (quiz_id), 
	CONSTRAINT fk_quiz_report_quiz_id FOREIGN KEY(quiz_id) REFERENCES quiz (id)
);
CREATE TABLE quiz_result (
	quiz_id INTEGER NOT NULL, 
	member_id INTEGER NOT NULL, 
	org_id INTEGER NOT NULL, 
	attempt_id INTEGER NOT NULL, 
	tries INTEGER NOT NULL, 
	best_100 INTEGER NOT NULL, 
	passed BOOLEAN NOT NULL, 
	taken_ms INTEGER NOT NULL, 
	was_100 INTEGER, 
	was_passed BOOLEAN, 
	told_at DATETIME, 
	note VARCHAR(400) NOT NULL, 
	CONSTRAINT pk_quiz_result PRIMARY KEY (quiz_id, member_id), 
	CONSTRAINT fk_quiz_result_attempt_id FOREIGN KEY(attempt_id) REFERENCES attempt (id), 
	CONSTRAINT fk_quiz_result_member_id FOREIGN KEY(member_id) REFERENCES member (id), 
	CONSTRAINT fk_quiz_result_org_id FOREIGN KEY(org_id) REFERENCES organization (id), 
	CONSTRAINT fk_quiz_result_quiz_id FOREIGN KEY(quiz_id) REFERENCES quiz (id)
);
CREATE TABLE quiz_section (
	id INTEGER NOT NULL, 
	quiz_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	title VARCHAR(40) NOT NULL, 
	rule JSON, 
	draw INTEGER NOT NULL, 
	points_100 INTEGER NOT NULL, 
	CONSTRAINT pk_quiz_section PRIMARY KEY (id), 
	CONSTRAINT fk_quiz_section_quiz_id FOREIGN KEY(quiz_id) REFERENCES quiz (id)
);
INSERT INTO "quiz_section" VALUES(1,1,1,'',NULL,0,500);
CREATE TABLE review_request (
	id INTEGER NOT NULL, 
	member_id INTEGER NOT NULL, 
	org_id INTEGER NOT NULL, 
	part_id INTEGER, 
	entry_id INTEGER, 
	from_ms INTEGER, 
	to_ms INTEGER, 
	words VARCHAR(400) NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	answer VARCHAR(400) NOT NULL, 
	answered_by INTEGER, 
	created_at DATETIME NOT NULL, 
	answered_at DATETIME, 
	CONSTRAINT pk_review_request PRIMARY KEY (id), 
	CONSTRAINT fk_review_request_answered_by FOREIGN KEY(answered_by) REFERENCES account (id), 
	CONSTRAINT fk_review_request_entry_id FOREIGN KEY(entry_id) REFERENCES study_hour_entry (id), 
	CONSTRAINT fk_review_request_member_id FOREIGN KEY(member_id) REFERENCES member (id), 
	CONSTRAINT fk_review_request_org_id FOREIGN KEY(org_id) REFERENCES organization (id), 
	CONSTRAINT fk_review_request_part_id FOREIGN KEY(part_id) REFERENCES study_part (id)
);
CREATE TABLE role_grant (
	id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	role VARCHAR(20) NOT NULL, 
	org_id INTEGER NOT NULL, 
	granted_by INTEGER, 
	granted_at DATETIME NOT NULL, 
	CONSTRAINT pk_role_grant PRIMARY KEY (id), 
	CONSTRAINT fk_role_grant_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT fk_role_grant_granted_by FOREIGN KEY(granted_by) REFERENCES account (id), 
	CONSTRAINT fk_role_grant_org_id FOREIGN KEY(org_id) REFERENCES organization (id), 
	CONSTRAINT uq_role_grant_account_id_role_org_id UNIQUE (account_id, role, org_id)
);
INSERT INTO "role_grant" VALUES(1,1,'learner',3,NULL,'2026-01-05 01:00:00.000000');
INSERT INTO "role_grant" VALUES(2,2,'learner',3,NULL,'2026-01-05 01:00:00.000000');
INSERT INTO "role_grant" VALUES(3,2,'branch_secretary',3,NULL,'2026-01-05 01:00:00.000000');
INSERT INTO "role_grant" VALUES(4,3,'learner',4,NULL,'2026-01-05 01:00:00.000000');
INSERT INTO "role_grant" VALUES(5,4,'trainer',1,NULL,'2026-01-05 01:00:00.000000');
INSERT INTO "role_grant" VALUES(6,5,'reviewer',1,NULL,'2026-01-05 01:00:00.000000');
INSERT INTO "role_grant" VALUES(7,6,'org_admin',1,NULL,'2026-01-05 01:00:00.000000');
INSERT INTO "role_grant" VALUES(8,7,'sysadmin',1,NULL,'2026-01-05 01:00:00.000000');
CREATE TABLE "segment" (
	timeline_id INTEGER NOT NULL, 
	rendition VARCHAR(20) NOT NULL, 
	number INTEGER NOT NULL, 
	start_ms INTEGER NOT NULL, 
	length_us INTEGER NOT NULL, 
	size INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	run INTEGER NOT NULL, 
	wall_ms INTEGER, 
	CONSTRAINT pk_segment PRIMARY KEY (timeline_id, rendition, number), 
	CONSTRAINT fk_segment_timeline_id FOREIGN KEY(timeline_id) REFERENCES timeline (id)
);
INSERT INTO "segment" VALUES(1,'source',0,0,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375416829);
INSERT INTO "segment" VALUES(1,'audio',0,0,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375416829);
INSERT INTO "segment" VALUES(1,'source',1,10000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375426829);
INSERT INTO "segment" VALUES(1,'audio',1,10000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375426829);
INSERT INTO "segment" VALUES(1,'source',2,20000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375436829);
INSERT INTO "segment" VALUES(1,'audio',2,20000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375436829);
INSERT INTO "segment" VALUES(1,'source',3,30000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375446829);
INSERT INTO "segment" VALUES(1,'audio',3,30000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375446829);
INSERT INTO "segment" VALUES(1,'source',4,40000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375456829);
INSERT INTO "segment" VALUES(1,'audio',4,40000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375456829);
INSERT INTO "segment" VALUES(1,'source',5,50000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375466829);
INSERT INTO "segment" VALUES(1,'audio',5,50000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375466829);
INSERT INTO "segment" VALUES(1,'source',6,60000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375476829);
INSERT INTO "segment" VALUES(1,'audio',6,60000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375476829);
INSERT INTO "segment" VALUES(1,'source',7,70000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375486829);
INSERT INTO "segment" VALUES(1,'audio',7,70000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375486829);
INSERT INTO "segment" VALUES(1,'source',8,80000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375496829);
INSERT INTO "segment" VALUES(1,'audio',8,80000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375496829);
INSERT INTO "segment" VALUES(1,'source',9,90000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375506829);
INSERT INTO "segment" VALUES(1,'audio',9,90000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375506829);
INSERT INTO "segment" VALUES(1,'source',10,100000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375516829);
INSERT INTO "segment" VALUES(1,'audio',10,100000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375516829);
INSERT INTO "segment" VALUES(1,'source',11,110000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375526829);
INSERT INTO "segment" VALUES(1,'audio',11,110000,10000000,1000,'0000000000000000000000000000000000000000000000000000000000000000',0,1795375526829);
CREATE TABLE short_mark (
	attempt_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	marker_id INTEGER NOT NULL, 
	points_100 INTEGER NOT NULL, 
	note VARCHAR(400) NOT NULL, 
	marked_at DATETIME NOT NULL, 
	CONSTRAINT pk_short_mark PRIMARY KEY (attempt_id, position, marker_id), 
	CONSTRAINT fk_short_mark_attempt_id FOREIGN KEY(attempt_id) REFERENCES attempt (id), 
	CONSTRAINT fk_short_mark_marker_id FOREIGN KEY(marker_id) REFERENCES account (id)
);
CREATE TABLE sign_in (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	account_id INTEGER NOT NULL, 
	device VARCHAR(200) NOT NULL, 
	address VARCHAR(45) NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_sign_in PRIMARY KEY (id), 
	CONSTRAINT fk_sign_in_account_id FOREIGN KEY(account_id) REFERENCES account (id), 
	CONSTRAINT uq_sign_in_token_hash UNIQUE (token_hash)
);
CREATE TABLE sign_in_failure (
	id INTEGER NOT NULL, 
	login_hash VARCHAR(64) NOT NULL, 
	address VARCHAR(45) NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_sign_in_failure PRIMARY KEY (id)
);
CREATE TABLE slide_deck (
	id INTEGER NOT NULL, 
	owner_id INTEGER NOT NULL, 
	file_name VARCHAR(255) NOT NULL, 
	source_key VARCHAR(200) NOT NULL, 
	prefix VARCHAR(120) NOT NULL, 
	pages INTEGER NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	reason_code VARCHAR(60), 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_slide_deck PRIMARY KEY (id), 
	CONSTRAINT fk_slide_deck_owner_id FOREIGN KEY(owner_id) REFERENCES account (id)
);
CREATE TABLE stream (
	id INTEGER NOT NULL, 
	state VARCHAR(12) NOT NULL, 
	key_hash VARCHAR(64), 
	node VARCHAR(80), 
	epoch INTEGER NOT NULL, 
	timeline_id INTEGER, 
	camera_timeline_id INTEGER, 
	speakers JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	changed_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	CONSTRAINT pk_stream PRIMARY KEY (id), 
	CONSTRAINT fk_stream_camera_timeline_id FOREIGN KEY(camera_timeline_id) REFERENCES timeline (id), 
	CONSTRAINT fk_stream_timeline_id FOREIGN KEY(timeline_id) REFERENCES timeline (id)
);
INSERT INTO "stream" VALUES(1,'ended',NULL,NULL,0,1,NULL,'{}','2026-11-22 19:25:36.825800','2026-11-22 19:25:36.833443','2026-11-22 19:25:36.853317');
CREATE TABLE stream_node (
	name VARCHAR(80) NOT NULL, 
	relay_url VARCHAR(200) NOT NULL, 
	packager_url VARCHAR(200) NOT NULL, 
	seats INTEGER NOT NULL, 
	viewers INTEGER NOT NULL, 
	until DATETIME NOT NULL, 
	CONSTRAINT pk_stream_node PRIMARY KEY (name)
);
CREATE TABLE study_day (
	member_id INTEGER NOT NULL, 
	day DATE NOT NULL, 
	wall_ms INTEGER NOT NULL, 
	CONSTRAINT pk_study_day PRIMARY KEY (member_id, day), 
	CONSTRAINT fk_study_day_member_id FOREIGN KEY(member_id) REFERENCES member (id)
);
CREATE TABLE study_hour_entry (
	id INTEGER NOT NULL, 
	member_id INTEGER NOT NULL, 
	year INTEGER NOT NULL, 
	mode VARCHAR(10) NOT NULL, 
	category VARCHAR(30) NOT NULL, 
	hours_100 INTEGER NOT NULL, 
	source_kind VARCHAR(20) NOT NULL, 
	source_id INTEGER NOT NULL, 
	title VARCHAR(120) NOT NULL, 
	host VARCHAR(120) NOT NULL, 
	occurred_on DATE NOT NULL, 
	posted_at DATETIME NOT NULL, 
	org_id INTEGER NOT NULL, 
	policy_id INTEGER, 
	policy JSON NOT NULL, 
	evidence JSON NOT NULL, 
	revision INTEGER NOT NULL, 
	reverses_id INTEGER, 
	posted_by INTEGER, 
	note VARCHAR(400) NOT NULL, 
	CONSTRAINT pk_study_hour_entry PRIMARY KEY (id), 
	CONSTRAINT fk_study_hour_entry_member_id FOREIGN KEY(member_id) REFERENCES member (id), 
	CONSTRAINT fk_study_hour_entry_org_id FOREIGN KEY(org_id) REFERENCES organization (id), 
	CONSTRAINT fk_study_hour_entry_policy_id FOREIGN KEY(policy_id) REFERENCES hour_policy (id), 
	CONSTRAINT fk_study_hour_entry_posted_by FOREIGN KEY(posted_by) REFERENCES account (id), 
	CONSTRAINT fk_study_hour_entry_reverses_id FOREIGN KEY(reverses_id) REFERENCES study_hour_entry (id), 
	CONSTRAINT uq_study_hour_entry_member_id_year_source_kind_source_id_mode_revision UNIQUE (member_id, year, source_kind, source_id, mode, revision)
);
CREATE TABLE study_item (
	id INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	ref_id INTEGER NOT NULL, 
	title VARCHAR(120) NOT NULL, 
	host VARCHAR(120) NOT NULL, 
	category VARCHAR(30) NOT NULL, 
	hours_100 INTEGER NOT NULL, 
	compulsory BOOLEAN NOT NULL, 
	active BOOLEAN NOT NULL, 
	CONSTRAINT pk_study_item PRIMARY KEY (id), 
	CONSTRAINT uq_study_item_kind_ref_id UNIQUE (kind, ref_id)
);
CREATE TABLE study_need (
	item_kind VARCHAR(20) NOT NULL, 
	item_ref INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	ref_id INTEGER NOT NULL, 
	CONSTRAINT pk_study_need PRIMARY KEY (item_kind, item_ref, kind, ref_id)
);
CREATE TABLE "study_part" (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	ref_id INTEGER NOT NULL, 
	timeline_id INTEGER NOT NULL, 
	title VARCHAR(120) NOT NULL, 
	length_ms INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	active BOOLEAN NOT NULL, 
	in_ms INTEGER NOT NULL, 
	CONSTRAINT pk_study_part PRIMARY KEY (id), 
	CONSTRAINT fk_study_part_item_id FOREIGN KEY(item_id) REFERENCES study_item (id), 
	CONSTRAINT uq_study_part_item_id_ref_id_timeline_id UNIQUE (item_id, ref_id, timeline_id)
);
CREATE TABLE study_proof (
	member_id INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	ref_id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_study_proof PRIMARY KEY (member_id, kind, ref_id), 
	CONSTRAINT fk_study_proof_member_id FOREIGN KEY(member_id) REFERENCES member (id)
);
CREATE TABLE study_stay (
	member_id INTEGER NOT NULL, 
	part_id INTEGER NOT NULL, 
	mode VARCHAR(10) NOT NULL, 
	from_ms INTEGER NOT NULL, 
	to_ms INTEGER NOT NULL, 
	CONSTRAINT pk_study_stay PRIMARY KEY (member_id, part_id, mode, from_ms), 
	CONSTRAINT fk_study_stay_member_id FOREIGN KEY(member_id) REFERENCES member (id), 
	CONSTRAINT fk_study_stay_part_id FOREIGN KEY(part_id) REFERENCES study_part (id)
);
CREATE TABLE timeline (
	id INTEGER NOT NULL, 
	asset_id INTEGER, 
	prefix VARCHAR(120) NOT NULL, 
	expected_ms INTEGER NOT NULL, 
	length_ms INTEGER NOT NULL, 
	renditions JSON NOT NULL, 
	poster_key VARCHAR(200), 
	storyboard JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	sealed_at DATETIME, 
	CONSTRAINT pk_timeline PRIMARY KEY (id), 
	CONSTRAINT fk_timeline_asset_id FOREIGN KEY(asset_id) REFERENCES media_asset (id), 
	CONSTRAINT uq_timeline_prefix UNIQUE (prefix)
);
INSERT INTO "timeline" VALUES(1,NULL,'timelines/1/',0,120000,'[{"name":"source","kind":"video","codecs":"avc1.42e01f","bandwidth":800,"average":800,"width":640,"height":360,"frame_rate":15.0},{"name":"audio","kind":"audio","codecs":"mp4a.40.2","bandwidth":800,"average":800,"width":0,"height":0,"frame_rate":0.0}]',NULL,'{}','2026-11-22 19:25:36.833525','2026-11-22 19:25:36.853306');
CREATE TABLE upload (
	id INTEGER NOT NULL, 
	token VARCHAR(43) NOT NULL, 
	asset_id INTEGER NOT NULL, 
	owner_id INTEGER NOT NULL, 
	size BIGINT NOT NULL, 
	"offset" BIGINT NOT NULL, 
	created_at DATETIME NOT NULL, 
	touched_at DATETIME NOT NULL, 
	completed_at DATETIME, 
	CONSTRAINT pk_upload PRIMARY KEY (id), 
	CONSTRAINT fk_upload_asset_id FOREIGN KEY(asset_id) REFERENCES media_asset (id), 
	CONSTRAINT fk_upload_owner_id FOREIGN KEY(owner_id) REFERENCES account (id), 
	CONSTRAINT uq_upload_token UNIQUE (token)
);
CREATE TABLE upload_part (
	upload_id INTEGER NOT NULL, 
	"offset" BIGINT NOT NULL, 
	size INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	"key" VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_upload_part PRIMARY KEY (upload_id, "offset"), 
	CONSTRAINT fk_upload_part_upload_id FOREIGN KEY(upload_id) REFERENCES upload (id)
);
CREATE INDEX ix_audit_log_at ON audit_log (at);
CREATE INDEX ix_audit_log_event ON audit_log (event);
CREATE INDEX ix_audit_log_org_id ON audit_log (org_id);
CREATE INDEX ix_audit_log_subject_id ON audit_log (subject_id);
CREATE INDEX ix_organization_parent_id ON organization (parent_id);
CREATE INDEX ix_sign_in_failure_address ON sign_in_failure (address);
CREATE INDEX ix_sign_in_failure_at ON sign_in_failure (at);
CREATE INDEX ix_sign_in_failure_login_hash ON sign_in_failure (login_hash);
CREATE INDEX ix_member_initials ON member (initials);
CREATE INDEX ix_member_name ON member (name);
CREATE INDEX ix_member_org_id ON member (org_id);
CREATE INDEX ix_member_org_status ON member (org_id, party_status);
CREATE INDEX ix_member_pinyin ON member (pinyin);
CREATE INDEX ix_org_closure_descendant_id ON org_closure (descendant_id);
CREATE INDEX ix_org_year_parent_id ON org_year (parent_id);
CREATE INDEX ix_member_year_org_year_member ON member_year (org_id, year, member_id);
CREATE INDEX ix_play_session_member_part ON play_session (member_id, part_id);
CREATE INDEX ix_post_holding_member_id ON post_holding (member_id);
CREATE INDEX ix_course_category_id ON course (category_id);
CREATE INDEX ix_course_org_id ON course (org_id);
CREATE INDEX ix_course_trainer_id ON course (trainer_id);
CREATE INDEX ix_hour_exemption_member_id ON hour_exemption (member_id);
CREATE INDEX ix_media_asset_owner_id ON media_asset (owner_id);
CREATE INDEX ix_media_asset_sha256 ON media_asset (sha256);
CREATE INDEX ix_media_asset_twin_id ON media_asset (twin_id);
CREATE INDEX ix_membership_transfer_member_id ON membership_transfer (member_id);
CREATE INDEX ix_password_use_account_id ON password_use (account_id);
CREATE INDEX ix_role_grant_account_id ON role_grant (account_id);
CREATE INDEX ix_role_grant_org_id ON role_grant (org_id);
CREATE INDEX ix_sign_in_account_id ON sign_in (account_id);
CREATE INDEX ix_study_hour_entry_member_id ON study_hour_entry (member_id);
CREATE INDEX ix_study_hour_entry_member_year ON study_hour_entry (member_id, year);
CREATE UNIQUE INDEX uq_study_hour_entry_reverses_id ON study_hour_entry (reverses_id) WHERE reverses_id IS NOT NULL;
CREATE INDEX ix_course_term_course_id ON course_term (course_id);
CREATE INDEX ix_media_job_asset_id ON media_job (asset_id);
CREATE INDEX ix_media_job_pick ON media_job (state, priority, run_at);
CREATE INDEX ix_review_request_member_id ON review_request (member_id);
CREATE INDEX ix_review_request_org_id ON review_request (org_id);
CREATE INDEX ix_timeline_asset_id ON timeline (asset_id);
CREATE INDEX ix_upload_asset_id ON upload (asset_id);
CREATE INDEX ix_upload_owner_id ON upload (owner_id);
CREATE INDEX ix_lesson_asset_id ON lesson (asset_id);
CREATE INDEX ix_lesson_course_id ON lesson (course_id);
CREATE INDEX ix_lesson_timeline_id ON lesson (timeline_id);
CREATE INDEX ix_slide_deck_owner_id ON slide_deck (owner_id);
CREATE INDEX ix_stream_node ON stream (node);
CREATE INDEX ix_live_class_helper_id ON live_class (helper_id);
CREATE INDEX ix_live_class_org_id ON live_class (org_id);
CREATE INDEX ix_live_class_state_starts_at ON live_class (state, starts_at);
CREATE INDEX ix_live_class_trainer_id ON live_class (trainer_id);
CREATE INDEX ix_live_attendance_member_makeup ON live_attendance (member_id, makeup_until);
CREATE INDEX ix_live_check_class_id ON live_check (class_id);
CREATE INDEX ix_live_code_class_id ON live_code (class_id);
CREATE INDEX ix_live_hand_class_id ON live_hand (class_id);
CREATE INDEX ix_live_message_class_id ON live_message (class_id);
CREATE INDEX ix_live_poll_class_id ON live_poll (class_id);
CREATE INDEX ix_live_presence_class_member ON live_presence (class_id, member_id);
CREATE INDEX ix_live_question_class_id ON live_question (class_id);
CREATE INDEX ix_study_part_item_id ON study_part (item_id);
CREATE INDEX ix_question_author_id ON question (author_id);
CREATE INDEX ix_question_org_id ON question (org_id);
CREATE INDEX ix_question_state_category ON question (state, category);
CREATE INDEX ix_question_file_org_id ON question_file (org_id);
CREATE INDEX ix_question_file_sha256 ON question_file (sha256);
CREATE INDEX ix_question_import_account_id ON question_import (account_id);
CREATE INDEX ix_quiz_author_id ON quiz (author_id);
CREATE INDEX ix_quiz_course_ref ON quiz (course_ref);
CREATE INDEX ix_quiz_org_id ON quiz (org_id);
CREATE INDEX ix_quiz_state_closes_at ON quiz (state, closes_at);
CREATE INDEX ix_attempt_member_id ON attempt (member_id);
CREATE INDEX ix_attempt_open_deadline ON attempt (deadline_ms) WHERE state = 'open';
CREATE INDEX ix_attempt_quiz_state ON attempt (quiz_id, state);
CREATE UNIQUE INDEX uq_attempt_open ON attempt (quiz_id, member_id) WHERE state = 'open';
CREATE INDEX ix_question_tag_question_id ON question_tag (question_id);
CREATE INDEX ix_quiz_report_asked_at ON quiz_report (asked_at);
CREATE INDEX ix_quiz_section_quiz_id ON quiz_section (quiz_id);
CREATE INDEX ix_answer_key_unapplied ON answer_key (version_id) WHERE revision > 1 AND applied_at IS NULL;
CREATE INDEX ix_attempt_answer_version_id ON attempt_answer (version_id);
CREATE INDEX ix_attempt_event_attempt_id ON attempt_event (attempt_id);
CREATE INDEX ix_quiz_item_question_id ON quiz_item (question_id);
CREATE INDEX ix_quiz_note_quiz_id ON quiz_note (quiz_id);
CREATE INDEX ix_quiz_result_member_id ON quiz_result (member_id);
CREATE INDEX ix_quiz_result_org_id ON quiz_result (org_id);
COMMIT;
