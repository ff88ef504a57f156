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
INSERT INTO "account" VALUES(1,'member',NULL,'王建国',1,'$argon2id$v=19$m=19456,t=2,p=1$xNZ4B25HVGr9oFLCkx7cnQ$bydXk3kCCGuCMy0Oy12xvST9N49VEu78hKKIV07F/tU',0,1,'zh',0,'2026-01-05 01:00:00.000000');
INSERT INTO "account" VALUES(2,'secretary',NULL,'李秀兰',2,'$argon2id$v=19$m=19456,t=2,p=1$xNZ4B25HVGr9oFLCkx7cnQ$bydXk3kCCGuCMy0Oy12xvST9N49VEu78hKKIV07F/tU',0,1,'zh',0,'2026-01-05 01:00:00.000000');
INSERT INTO "account" VALUES(3,'outsider',NULL,'阿依古丽·买买提',3,'$argon2id$v=19$m=19456,t=2,p=1$xNZ4B25HVGr9oFLCkx7cnQ$bydXk3kCCGuCMy0Oy12xvST9N49VEu78hKKIV07F/tU',0,1,'zh',0,'2026-01-05 01:00:00.000000');
INSERT INTO "account" VALUES(4,'trainer',NULL,'周明远',NULL,'$argon2id$v=19$m=19456,t=2,p=1$xNZ4B25HVGr9oFLCkx7cnQ$bydXk3kCCGuCMy0Oy12xvST9N49VEu78hKKIV07F/tU',0,1,'zh',0,'2026-01-05 01:00:00.000000');
INSERT INTO "account" VALUES(5,'reviewer',NULL,'陈静',NULL,'$argon2id$v=19$m=19456,t=2,p=1$xNZ4B25HVGr9oFLCkx7cnQ$bydXk3kCCGuCMy0Oy12xvST9N49VEu78hKKIV07F/tU',0,1,'zh',0,'2026-01-05 01:00:00.000000');
INSERT INTO "account" VALUES(6,'admin',NULL,'马文华',NULL,'$argon2id$v=19$m=19456,t=2,p=1$xNZ4B25HVGr9oFLCkx7cnQ$bydXk3kCCGuCMy0Oy12xvST9N49VEu78hKKIV07F/tU',0,1,'zh',0,'2026-01-05 01:00:00.000000');
INSERT INTO "account" VALUES(7,'sysadmin',NULL,'赵磊',NULL,'$argon2id$v=19$m=19456,t=2,p=1$xNZ4B25HVGr9oFLCkx7cnQ$bydXk3kCCGuCMy0Oy12xvST9N49VEu78hKKIV07F/tU',0,1,'zh',0,'2026-01-05 01:00:00.000000');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
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
CREATE TABLE segment (
	timeline_id INTEGER NOT NULL, 
	rendition VARCHAR(20) NOT NULL, 
	number INTEGER NOT NULL, 
	start_ms INTEGER NOT NULL, 
	length_us INTEGER NOT NULL, 
	size INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_segment PRIMARY KEY (timeline_id, rendition, number), 
	CONSTRAINT fk_segment_timeline_id FOREIGN KEY(timeline_id) REFERENCES timeline (id)
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
CREATE TABLE study_part (
	id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	ref_id INTEGER NOT NULL, 
	timeline_id INTEGER NOT NULL, 
	title VARCHAR(120) NOT NULL, 
	length_ms INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	active BOOLEAN NOT NULL, 
	CONSTRAINT pk_study_part PRIMARY KEY (id), 
	CONSTRAINT fk_study_part_item_id FOREIGN KEY(item_id) REFERENCES study_item (id), 
	CONSTRAINT uq_study_part_item_id_ref_id_timeline_id UNIQUE (item_id, ref_id, timeline_id)
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
CREATE INDEX ix_study_part_item_id ON study_part (item_id);
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
COMMIT;
