CREATE TABLE public.account (
    id bigint NOT NULL,
    login character varying(60) NOT NULL,
    mobile_hash character varying(64),
    name character varying(40) NOT NULL,
    member_id bigint,
    password_hash character varying(200) NOT NULL,
    must_change_password boolean NOT NULL,
    active boolean NOT NULL,
    locale character varying(5) NOT NULL,
    elder bigint NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.account_id_seq OWNED BY public.account.id;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.answer_key (
    version_id bigint NOT NULL,
    revision bigint NOT NULL,
    key json NOT NULL,
    author_id bigint NOT NULL,
    waived boolean NOT NULL,
    reason character varying(400) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    applied_at timestamp with time zone
);
CREATE TABLE public.attempt (
    id bigint NOT NULL,
    quiz_id bigint NOT NULL,
    member_id bigint NOT NULL,
    account_id bigint,
    org_id bigint NOT NULL,
    no bigint NOT NULL,
    state character varying(10) NOT NULL,
    seed bigint NOT NULL,
    paper json NOT NULL,
    started_ms bigint NOT NULL,
    deadline_ms bigint,
    extra_ms bigint NOT NULL,
    submitted_ms bigint,
    submitted_by character varying(10) NOT NULL,
    holder character varying(16) NOT NULL,
    device character varying(60) NOT NULL,
    seat character varying(20) NOT NULL,
    on_paper boolean NOT NULL,
    seen_ms bigint NOT NULL,
    answered bigint NOT NULL,
    score_100 bigint,
    max_100 bigint NOT NULL,
    passed boolean
);
CREATE TABLE public.attempt_answer (
    attempt_id bigint NOT NULL,
    "position" bigint NOT NULL,
    version_id bigint NOT NULL,
    answer json,
    n bigint NOT NULL,
    saved_ms bigint NOT NULL,
    spent_ms bigint NOT NULL,
    points_100 bigint,
    key_revision bigint
);
CREATE TABLE public.attempt_event (
    id bigint NOT NULL,
    attempt_id bigint NOT NULL,
    at_ms bigint NOT NULL,
    kind character varying(20) NOT NULL,
    account_id bigint,
    body json NOT NULL
);
CREATE SEQUENCE public.attempt_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.attempt_event_id_seq OWNED BY public.attempt_event.id;
CREATE SEQUENCE public.attempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.attempt_id_seq OWNED BY public.attempt.id;
CREATE TABLE public.audit_log (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    account_id bigint,
    address character varying(45) NOT NULL,
    event character varying(60) NOT NULL,
    subject_kind character varying(30) NOT NULL,
    subject_id bigint,
    org_id bigint,
    detail json NOT NULL
);
CREATE SEQUENCE public.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.audit_log_id_seq OWNED BY public.audit_log.id;
CREATE TABLE public.course (
    id bigint NOT NULL,
    title character varying(80) NOT NULL,
    slip character varying(4) NOT NULL,
    summary character varying(1000) NOT NULL,
    category_id bigint CONSTRAINT course_category_id_not_null1 NOT NULL,
    kind character varying(20) NOT NULL,
    compulsory boolean NOT NULL,
    hours_100 bigint NOT NULL,
    secrecy character varying(10) NOT NULL,
    state character varying(12) NOT NULL,
    org_id bigint NOT NULL,
    trainer_id bigint NOT NULL,
    reviewer_id bigint,
    review_note character varying(400) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    submitted_at timestamp with time zone,
    published_at timestamp with time zone,
    version bigint NOT NULL
);
CREATE TABLE public.course_audience (
    course_id bigint NOT NULL,
    org_id bigint NOT NULL
);
CREATE TABLE public.course_category (
    id bigint NOT NULL,
    name character varying(40) NOT NULL,
    slip character varying(4) NOT NULL,
    sort_no bigint NOT NULL
);
CREATE SEQUENCE public.course_category_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.course_category_id_seq OWNED BY public.course_category.id;
CREATE SEQUENCE public.course_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.course_id_seq OWNED BY public.course.id;
CREATE TABLE public.course_term (
    term character varying(40) NOT NULL,
    course_id bigint NOT NULL,
    weight bigint NOT NULL
);
CREATE TABLE public.coverage (
    member_id bigint NOT NULL,
    part_id bigint NOT NULL,
    mode character varying(10) NOT NULL,
    intervals json NOT NULL,
    refused json NOT NULL,
    covered_ms bigint NOT NULL,
    position_ms bigint NOT NULL,
    pass_year bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE TABLE public.hour_exemption (
    id bigint NOT NULL,
    member_id bigint NOT NULL,
    year bigint NOT NULL,
    reason character varying(200) NOT NULL,
    approved_by bigint,
    created_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.hour_exemption_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.hour_exemption_id_seq OWNED BY public.hour_exemption.id;
CREATE TABLE public.hour_policy (
    id bigint NOT NULL,
    name character varying(60) NOT NULL,
    audience character varying(20) NOT NULL,
    effective_from date NOT NULL,
    effective_until date,
    required_group_100 bigint NOT NULL,
    required_online_100 bigint NOT NULL,
    minutes_per_hour bigint NOT NULL,
    completion_permille bigint NOT NULL,
    rate_permille bigint NOT NULL,
    gap_ms bigint NOT NULL,
    daily_cap_ms bigint NOT NULL,
    check_every_ms bigint NOT NULL,
    check_answer_ms bigint NOT NULL,
    online_counts boolean NOT NULL,
    proration character varying(20) NOT NULL
);
CREATE SEQUENCE public.hour_policy_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.hour_policy_id_seq OWNED BY public.hour_policy.id;
CREATE TABLE public.lease (
    name character varying(60) NOT NULL,
    holder character varying(120) NOT NULL,
    until timestamp with time zone NOT NULL
);
CREATE TABLE public.lesson (
    id bigint NOT NULL,
    course_id bigint NOT NULL,
    title character varying(80) NOT NULL,
    "position" bigint NOT NULL,
    asset_id bigint,
    timeline_id bigint
);
CREATE SEQUENCE public.lesson_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.lesson_id_seq OWNED BY public.lesson.id;
CREATE TABLE public.live_attendance (
    class_id bigint NOT NULL,
    member_id bigint NOT NULL,
    org_id bigint NOT NULL,
    expected boolean NOT NULL,
    first_ms bigint,
    last_ms bigint,
    counted_ms bigint NOT NULL,
    met boolean NOT NULL,
    makeup_until timestamp with time zone
);
CREATE TABLE public.live_audience (
    class_id bigint NOT NULL,
    org_id bigint NOT NULL
);
CREATE TABLE public.live_check (
    id bigint NOT NULL,
    class_id bigint NOT NULL,
    at_ms bigint NOT NULL,
    answer_ms bigint NOT NULL
);
CREATE SEQUENCE public.live_check_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.live_check_id_seq OWNED BY public.live_check.id;
CREATE TABLE public.live_class (
    id bigint NOT NULL,
    title character varying(80) NOT NULL,
    summary character varying(1000) NOT NULL,
    slip character varying(4) NOT NULL,
    org_id bigint NOT NULL,
    trainer_id bigint NOT NULL,
    helper_id bigint,
    course_id bigint,
    starts_at timestamp with time zone NOT NULL,
    minutes bigint NOT NULL,
    hours_100 bigint NOT NULL,
    compulsory boolean NOT NULL,
    secrecy character varying(10) NOT NULL,
    makeup_days bigint NOT NULL,
    state character varying(12) NOT NULL,
    rules json NOT NULL,
    deck_id bigint,
    stream_id bigint,
    event_no bigint NOT NULL,
    page bigint NOT NULL,
    sources json NOT NULL,
    started_ms bigint,
    ended_ms bigint,
    settled_at timestamp with time zone,
    replay character varying(12) NOT NULL,
    replay_in_ms bigint NOT NULL,
    replay_out_ms bigint,
    replay_at timestamp with time zone,
    captions_key character varying(200),
    reviewer_id bigint,
    review_note character varying(400) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    submitted_at timestamp with time zone,
    version bigint NOT NULL
);
CREATE SEQUENCE public.live_class_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.live_class_id_seq OWNED BY public.live_class.id;
CREATE TABLE public.live_code (
    id bigint NOT NULL,
    class_id bigint NOT NULL,
    code character varying(8) NOT NULL,
    opened_ms bigint NOT NULL,
    closed_ms bigint
);
CREATE SEQUENCE public.live_code_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.live_code_id_seq OWNED BY public.live_code.id;
CREATE TABLE public.live_event (
    class_id bigint NOT NULL,
    no bigint NOT NULL,
    at_ms bigint NOT NULL,
    kind character varying(20) NOT NULL,
    audience character varying(30) NOT NULL,
    account_id bigint,
    key character varying(40),
    body json NOT NULL
);
CREATE TABLE public.live_hand (
    id bigint NOT NULL,
    class_id bigint NOT NULL,
    account_id bigint NOT NULL,
    raised_ms bigint NOT NULL,
    called_ms bigint,
    done_ms bigint,
    slot bigint,
    state character varying(10) NOT NULL
);
CREATE SEQUENCE public.live_hand_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.live_hand_id_seq OWNED BY public.live_hand.id;
CREATE TABLE public.live_here (
    check_id bigint NOT NULL,
    member_id bigint NOT NULL,
    at_ms bigint NOT NULL
);
CREATE TABLE public.live_message (
    id bigint NOT NULL,
    class_id bigint NOT NULL,
    account_id bigint NOT NULL,
    at_ms bigint NOT NULL,
    text character varying(300) NOT NULL,
    state character varying(10) NOT NULL,
    handled_by bigint
);
CREATE SEQUENCE public.live_message_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.live_message_id_seq OWNED BY public.live_message.id;
CREATE TABLE public.live_mute (
    class_id bigint NOT NULL,
    account_id bigint NOT NULL,
    muted_by bigint NOT NULL,
    at_ms bigint NOT NULL
);
CREATE TABLE public.live_poll (
    id bigint NOT NULL,
    class_id bigint NOT NULL,
    question character varying(200) NOT NULL,
    options json NOT NULL,
    multiple boolean NOT NULL,
    anonymous boolean NOT NULL,
    "right" json,
    explanation character varying(400) NOT NULL,
    question_ref bigint,
    tally json NOT NULL,
    voters bigint NOT NULL,
    opened_ms bigint NOT NULL,
    closed_ms bigint
);
CREATE SEQUENCE public.live_poll_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.live_poll_id_seq OWNED BY public.live_poll.id;
CREATE TABLE public.live_presence (
    id bigint NOT NULL,
    class_id bigint NOT NULL,
    member_id bigint NOT NULL,
    mode character varying(10) NOT NULL,
    entered_ms bigint NOT NULL,
    seen_ms bigint NOT NULL,
    "left" boolean NOT NULL,
    device character varying(60) NOT NULL,
    watching character varying(8) NOT NULL
);
CREATE SEQUENCE public.live_presence_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.live_presence_id_seq OWNED BY public.live_presence.id;
CREATE TABLE public.live_question (
    id bigint NOT NULL,
    class_id bigint NOT NULL,
    account_id bigint NOT NULL,
    at_ms bigint NOT NULL,
    text character varying(300) NOT NULL,
    state character varying(10) NOT NULL,
    seconds bigint NOT NULL,
    answering_ms bigint
);
CREATE SEQUENCE public.live_question_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.live_question_id_seq OWNED BY public.live_question.id;
CREATE TABLE public.live_report (
    class_id bigint NOT NULL,
    body json NOT NULL,
    built_at timestamp with time zone NOT NULL
);
CREATE TABLE public.live_second (
    question_id bigint NOT NULL,
    account_id bigint NOT NULL
);
CREATE TABLE public.live_sign_in (
    class_id bigint NOT NULL,
    member_id bigint NOT NULL,
    at_ms bigint NOT NULL
);
CREATE TABLE public.live_voter (
    poll_id bigint NOT NULL,
    account_id bigint NOT NULL,
    choices json
);
CREATE TABLE public.media_asset (
    id bigint NOT NULL,
    owner_id bigint NOT NULL,
    title character varying(120) NOT NULL,
    file_name character varying(255) NOT NULL,
    size bigint NOT NULL,
    sha256 character varying(64),
    source_key character varying(200),
    state character varying(20) NOT NULL,
    reason_code character varying(60),
    reason_params json NOT NULL,
    probe json NOT NULL,
    loudness json NOT NULL,
    twin_id bigint,
    created_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.media_asset_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.media_asset_id_seq OWNED BY public.media_asset.id;
CREATE TABLE public.media_job (
    id bigint NOT NULL,
    kind character varying(40) NOT NULL,
    key character varying(120) NOT NULL,
    asset_id bigint,
    args json NOT NULL,
    state character varying(10) NOT NULL,
    priority bigint NOT NULL,
    run_at timestamp with time zone NOT NULL,
    attempt bigint NOT NULL,
    max_attempts bigint NOT NULL,
    lease_until timestamp with time zone,
    token character varying(36),
    worker character varying(80),
    progress bigint NOT NULL,
    stage character varying(40) NOT NULL,
    reason_code character varying(60),
    reason_params json NOT NULL,
    detail text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone
);
CREATE SEQUENCE public.media_job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.media_job_id_seq OWNED BY public.media_job.id;
CREATE TABLE public.member (
    id bigint NOT NULL,
    org_id bigint NOT NULL,
    name character varying(40) NOT NULL COLLATE pg_catalog."C",
    pinyin character varying(200) NOT NULL COLLATE pg_catalog."C",
    initials character varying(40) NOT NULL COLLATE pg_catalog."C",
    strokes bigint NOT NULL,
    gender bigint NOT NULL,
    ethnicity character varying(2) NOT NULL,
    birth_date date,
    education character varying(2) NOT NULL,
    category character varying(20) NOT NULL,
    join_date date,
    full_date date,
    post character varying(20),
    job character varying(60) NOT NULL,
    id_number_enc bytea,
    id_number_hash character varying(64),
    mobile_enc bytea,
    floating boolean NOT NULL,
    flow_to character varying(60) NOT NULL,
    party_status character varying(20) NOT NULL,
    no_presence_check boolean NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.member_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.member_id_seq OWNED BY public.member.id;
CREATE TABLE public.member_year (
    member_id bigint NOT NULL,
    year bigint NOT NULL,
    org_id bigint NOT NULL,
    group_100 bigint NOT NULL,
    online_100 bigint NOT NULL,
    required_group_100 bigint NOT NULL,
    required_online_100 bigint NOT NULL,
    online_counts boolean NOT NULL,
    exempt boolean NOT NULL,
    met boolean NOT NULL,
    counted boolean NOT NULL
);
CREATE TABLE public.membership_transfer (
    id bigint NOT NULL,
    member_id bigint NOT NULL,
    from_org_id bigint NOT NULL,
    to_org_id bigint NOT NULL,
    on_date date NOT NULL,
    by_account_id bigint
);
CREATE SEQUENCE public.membership_transfer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.membership_transfer_id_seq OWNED BY public.membership_transfer.id;
CREATE TABLE public.org_closure (
    ancestor_id bigint NOT NULL,
    descendant_id bigint NOT NULL,
    distance bigint NOT NULL
);
CREATE TABLE public.org_tree_lock (
    id bigint NOT NULL,
    version bigint NOT NULL
);
CREATE SEQUENCE public.org_tree_lock_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.org_tree_lock_id_seq OWNED BY public.org_tree_lock.id;
CREATE TABLE public.org_year (
    org_id bigint NOT NULL,
    year bigint NOT NULL,
    members bigint NOT NULL,
    exempt bigint NOT NULL,
    met bigint NOT NULL,
    started bigint NOT NULL,
    group_100 bigint NOT NULL,
    online_100 bigint NOT NULL,
    months json NOT NULL,
    parent_id bigint,
    built_at timestamp with time zone
);
CREATE TABLE public.org_year_mark (
    id bigint NOT NULL,
    org_id bigint NOT NULL,
    year bigint NOT NULL
);
CREATE SEQUENCE public.org_year_mark_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.org_year_mark_id_seq OWNED BY public.org_year_mark.id;
CREATE TABLE public.organization (
    id bigint NOT NULL,
    code character varying(40) NOT NULL,
    name character varying(120) NOT NULL,
    short_name character varying(60) NOT NULL,
    kind character varying(20) NOT NULL,
    parent_id bigint,
    path character varying(80) NOT NULL,
    sort_no bigint NOT NULL,
    closed_on date
);
CREATE SEQUENCE public.organization_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.organization_id_seq OWNED BY public.organization.id;
CREATE TABLE public.password_use (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    password_hash character varying(200) NOT NULL,
    since timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.password_use_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.password_use_id_seq OWNED BY public.password_use.id;
CREATE TABLE public.play_session (
    id bigint NOT NULL,
    nonce character varying(16) NOT NULL,
    member_id bigint NOT NULL,
    part_id bigint NOT NULL,
    policy_id bigint,
    opened_at timestamp with time zone NOT NULL,
    device character varying(200) NOT NULL,
    seen_ms bigint NOT NULL,
    heard_ms bigint NOT NULL,
    ended_ms bigint,
    paused_ms bigint,
    check_due_ms bigint,
    check_left_ms bigint,
    budget_us bigint NOT NULL,
    wall_ms bigint NOT NULL,
    held json NOT NULL
);
CREATE SEQUENCE public.play_session_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.play_session_id_seq OWNED BY public.play_session.id;
CREATE TABLE public.post_holding (
    id bigint NOT NULL,
    member_id bigint NOT NULL,
    post character varying(20) NOT NULL,
    since date NOT NULL,
    until date
);
CREATE SEQUENCE public.post_holding_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.post_holding_id_seq OWNED BY public.post_holding.id;
CREATE TABLE public.question (
    id bigint NOT NULL,
    org_id bigint NOT NULL,
    author_id bigint NOT NULL,
    kind character varying(10) NOT NULL,
    category character varying(40) NOT NULL,
    difficulty bigint NOT NULL,
    brief character varying(120) NOT NULL,
    digest character varying(32) NOT NULL,
    state character varying(10) NOT NULL,
    latest_no bigint NOT NULL,
    approved_id bigint,
    valid_from date,
    valid_until date,
    reviewer_id bigint,
    review_note character varying(400) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    submitted_at timestamp with time zone,
    changed_at timestamp with time zone NOT NULL,
    words text NOT NULL,
    sketch character varying(64) NOT NULL
);
CREATE TABLE public.question_file (
    id bigint NOT NULL,
    org_id bigint NOT NULL,
    owner_id bigint NOT NULL,
    sha256 character varying(64) NOT NULL,
    mime character varying(40) NOT NULL,
    size bigint NOT NULL,
    width bigint NOT NULL,
    height bigint NOT NULL,
    length_ms bigint NOT NULL,
    name character varying(120) NOT NULL,
    alt character varying(200) NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.question_file_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.question_file_id_seq OWNED BY public.question_file.id;
CREATE SEQUENCE public.question_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.question_id_seq OWNED BY public.question.id;
CREATE TABLE public.question_import (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    org_id bigint NOT NULL,
    name character varying(120) NOT NULL,
    form character varying(12) NOT NULL,
    object_key character varying(80) NOT NULL,
    questions bigint NOT NULL,
    errors bigint NOT NULL,
    skipped bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    taken_at timestamp with time zone
);
CREATE SEQUENCE public.question_import_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.question_import_id_seq OWNED BY public.question_import.id;
CREATE TABLE public.question_redo (
    member_id bigint NOT NULL,
    question_id bigint NOT NULL,
    "right" boolean NOT NULL,
    redone_ms bigint NOT NULL
);
CREATE TABLE public.question_tag (
    tag character varying(20) NOT NULL,
    question_id bigint NOT NULL
);
CREATE TABLE public.question_version (
    id bigint NOT NULL,
    question_id bigint NOT NULL,
    no bigint NOT NULL,
    body json NOT NULL,
    explanation character varying(2000) NOT NULL,
    basis character varying(400) NOT NULL,
    author_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    approved_at timestamp with time zone,
    reviewer_id bigint
);
CREATE SEQUENCE public.question_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.question_version_id_seq OWNED BY public.question_version.id;
CREATE TABLE public.quiz (
    id bigint NOT NULL,
    kind character varying(10) NOT NULL,
    title character varying(80) NOT NULL,
    summary character varying(1000) NOT NULL,
    slip character varying(4) NOT NULL,
    org_id bigint NOT NULL,
    author_id bigint NOT NULL,
    state character varying(10) NOT NULL,
    secrecy character varying(10) NOT NULL,
    version bigint NOT NULL,
    reviewer_id bigint,
    review_note character varying(400) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    submitted_at timestamp with time zone,
    published_at timestamp with time zone,
    opens_at timestamp with time zone,
    closes_at timestamp with time zone,
    minutes bigint,
    grace_s bigint NOT NULL,
    attempts bigint NOT NULL,
    hours_needed_100 bigint NOT NULL,
    resit_of_id bigint,
    seat_code_needed boolean NOT NULL,
    seat_code character varying(8) NOT NULL,
    paused_ms bigint,
    shuffle_questions boolean NOT NULL,
    shuffle_options boolean NOT NULL,
    one_a_page boolean NOT NULL,
    partial boolean NOT NULL,
    show character varying(10) NOT NULL,
    pass_permille bigint NOT NULL,
    max_100 bigint NOT NULL,
    hours_100 bigint NOT NULL,
    mode character varying(10) NOT NULL,
    compulsory boolean NOT NULL,
    course_ref bigint,
    lesson_ref bigint,
    at_ms bigint,
    course_needs boolean NOT NULL,
    teams boolean NOT NULL,
    table_open boolean NOT NULL
);
CREATE TABLE public.quiz_audience (
    quiz_id bigint NOT NULL,
    org_id bigint NOT NULL
);
CREATE TABLE public.quiz_helper (
    quiz_id bigint NOT NULL,
    account_id bigint NOT NULL
);
CREATE SEQUENCE public.quiz_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.quiz_id_seq OWNED BY public.quiz.id;
CREATE TABLE public.quiz_item (
    section_id bigint NOT NULL,
    "position" bigint NOT NULL,
    question_id bigint NOT NULL,
    points_100 bigint
);
CREATE TABLE public.quiz_note (
    id bigint NOT NULL,
    quiz_id bigint NOT NULL,
    attempt_id bigint,
    account_id bigint NOT NULL,
    at_ms bigint NOT NULL,
    text character varying(400) NOT NULL
);
CREATE SEQUENCE public.quiz_note_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.quiz_note_id_seq OWNED BY public.quiz_note.id;
CREATE TABLE public.quiz_report (
    quiz_id bigint NOT NULL,
    body json NOT NULL,
    basis character varying(60) NOT NULL,
    asked_at timestamp with time zone,
    built_at timestamp with time zone
);
CREATE TABLE public.quiz_result (
    quiz_id bigint NOT NULL,
    member_id bigint NOT NULL,
    org_id bigint NOT NULL,
    attempt_id bigint NOT NULL,
    tries bigint NOT NULL,
    best_100 bigint NOT NULL,
    passed boolean NOT NULL,
    taken_ms bigint NOT NULL,
    was_100 bigint,
    was_passed boolean,
    told_at timestamp with time zone,
    note character varying(400) NOT NULL
);
CREATE TABLE public.quiz_section (
    id bigint NOT NULL,
    quiz_id bigint NOT NULL,
    "position" bigint NOT NULL,
    title character varying(40) NOT NULL,
    rule json,
    draw bigint NOT NULL,
    points_100 bigint NOT NULL
);
CREATE SEQUENCE public.quiz_section_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.quiz_section_id_seq OWNED BY public.quiz_section.id;
CREATE TABLE public.review_request (
    id bigint NOT NULL,
    member_id bigint NOT NULL,
    org_id bigint NOT NULL,
    part_id bigint,
    entry_id bigint,
    from_ms bigint,
    to_ms bigint,
    words character varying(400) NOT NULL,
    state character varying(10) NOT NULL,
    answer character varying(400) NOT NULL,
    answered_by bigint,
    created_at timestamp with time zone NOT NULL,
    answered_at timestamp with time zone
);
CREATE SEQUENCE public.review_request_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.review_request_id_seq OWNED BY public.review_request.id;
CREATE TABLE public.role_grant (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    role character varying(20) NOT NULL,
    org_id bigint NOT NULL,
    granted_by bigint,
    granted_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.role_grant_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.role_grant_id_seq OWNED BY public.role_grant.id;
CREATE TABLE public.segment (
    timeline_id bigint NOT NULL,
    rendition character varying(20) NOT NULL,
    number bigint NOT NULL,
    start_ms bigint NOT NULL,
    length_us bigint NOT NULL,
    size bigint NOT NULL,
    sha256 character varying(64) NOT NULL,
    run bigint NOT NULL,
    wall_ms bigint
);
CREATE TABLE public.short_mark (
    attempt_id bigint NOT NULL,
    "position" bigint NOT NULL,
    marker_id bigint NOT NULL,
    points_100 bigint NOT NULL,
    note character varying(400) NOT NULL,
    marked_at timestamp with time zone NOT NULL
);
CREATE TABLE public.sign_in (
    id bigint NOT NULL,
    token_hash character varying(64) NOT NULL,
    account_id bigint NOT NULL,
    device character varying(200) NOT NULL,
    address character varying(45) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.sign_in_failure (
    id bigint NOT NULL,
    login_hash character varying(64) NOT NULL,
    address character varying(45) NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.sign_in_failure_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.sign_in_failure_id_seq OWNED BY public.sign_in_failure.id;
CREATE SEQUENCE public.sign_in_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.sign_in_id_seq OWNED BY public.sign_in.id;
CREATE TABLE public.slide_deck (
    id bigint NOT NULL,
    owner_id bigint NOT NULL,
    file_name character varying(255) NOT NULL,
    source_key character varying(200) NOT NULL,
    prefix character varying(120) NOT NULL,
    pages bigint NOT NULL,
    state character varying(20) NOT NULL,
    reason_code character varying(60),
    created_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.slide_deck_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.slide_deck_id_seq OWNED BY public.slide_deck.id;
CREATE TABLE public.stream (
    id bigint NOT NULL,
    state character varying(12) NOT NULL,
    key_hash character varying(64),
    node character varying(80),
    epoch bigint NOT NULL,
    timeline_id bigint,
    camera_timeline_id bigint,
    speakers json NOT NULL,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone
);
CREATE SEQUENCE public.stream_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.stream_id_seq OWNED BY public.stream.id;
CREATE TABLE public.stream_node (
    name character varying(80) NOT NULL,
    relay_url character varying(200) NOT NULL,
    packager_url character varying(200) NOT NULL,
    seats bigint NOT NULL,
    viewers bigint NOT NULL,
    until timestamp with time zone NOT NULL
);
CREATE TABLE public.study_day (
    member_id bigint NOT NULL,
    day date NOT NULL,
    wall_ms bigint NOT NULL
);
CREATE TABLE public.study_hour_entry (
    id bigint NOT NULL,
    member_id bigint NOT NULL,
    year bigint NOT NULL,
    mode character varying(10) NOT NULL,
    category character varying(30) NOT NULL,
    hours_100 bigint NOT NULL,
    source_kind character varying(20) NOT NULL,
    source_id bigint NOT NULL,
    title character varying(120) NOT NULL,
    host character varying(120) NOT NULL,
    occurred_on date NOT NULL,
    posted_at timestamp with time zone NOT NULL,
    org_id bigint NOT NULL,
    policy_id bigint,
    policy json NOT NULL,
    evidence json NOT NULL,
    revision bigint NOT NULL,
    reverses_id bigint,
    posted_by bigint,
    note character varying(400) NOT NULL
);
CREATE SEQUENCE public.study_hour_entry_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.study_hour_entry_id_seq OWNED BY public.study_hour_entry.id;
CREATE TABLE public.study_item (
    id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    ref_id bigint NOT NULL,
    title character varying(120) NOT NULL,
    host character varying(120) NOT NULL,
    category character varying(30) NOT NULL,
    hours_100 bigint NOT NULL,
    compulsory boolean NOT NULL,
    active boolean NOT NULL
);
CREATE SEQUENCE public.study_item_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.study_item_id_seq OWNED BY public.study_item.id;
CREATE TABLE public.study_need (
    item_kind character varying(20) NOT NULL,
    item_ref bigint NOT NULL,
    kind character varying(20) NOT NULL,
    ref_id bigint NOT NULL
);
CREATE TABLE public.study_part (
    id bigint NOT NULL,
    item_id bigint NOT NULL,
    ref_id bigint NOT NULL,
    timeline_id bigint NOT NULL,
    title character varying(120) NOT NULL,
    length_ms bigint NOT NULL,
    "position" bigint NOT NULL,
    active boolean NOT NULL,
    in_ms bigint NOT NULL
);
CREATE SEQUENCE public.study_part_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.study_part_id_seq OWNED BY public.study_part.id;
CREATE TABLE public.study_proof (
    member_id bigint NOT NULL,
    kind character varying(20) NOT NULL,
    ref_id bigint NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE TABLE public.study_stay (
    member_id bigint NOT NULL,
    part_id bigint NOT NULL,
    mode character varying(10) NOT NULL,
    from_ms bigint NOT NULL,
    to_ms bigint NOT NULL
);
CREATE TABLE public.timeline (
    id bigint NOT NULL,
    asset_id bigint,
    prefix character varying(120) NOT NULL,
    expected_ms bigint NOT NULL,
    length_ms bigint NOT NULL,
    renditions json NOT NULL,
    poster_key character varying(200),
    storyboard json NOT NULL,
    created_at timestamp with time zone NOT NULL,
    sealed_at timestamp with time zone
);
CREATE SEQUENCE public.timeline_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.timeline_id_seq OWNED BY public.timeline.id;
CREATE TABLE public.upload (
    id bigint NOT NULL,
    token character varying(43) NOT NULL,
    asset_id bigint NOT NULL,
    owner_id bigint NOT NULL,
    size bigint NOT NULL,
    "offset" bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    touched_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone
);
CREATE SEQUENCE public.upload_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.upload_id_seq OWNED BY public.upload.id;
CREATE TABLE public.upload_part (
    upload_id bigint NOT NULL,
    "offset" bigint NOT NULL,
    size bigint NOT NULL,
    sha256 character varying(64) NOT NULL,
    key character varying(200) NOT NULL
);
ALTER TABLE ONLY public.account ALTER COLUMN id SET DEFAULT nextval('public.account_id_seq'::regclass);
ALTER TABLE ONLY public.attempt ALTER COLUMN id SET DEFAULT nextval('public.attempt_id_seq'::regclass);
ALTER TABLE ONLY public.attempt_event ALTER COLUMN id SET DEFAULT nextval('public.attempt_event_id_seq'::regclass);
ALTER TABLE ONLY public.audit_log ALTER COLUMN id SET DEFAULT nextval('public.audit_log_id_seq'::regclass);
ALTER TABLE ONLY public.course ALTER COLUMN id SET DEFAULT nextval('public.course_id_seq'::regclass);
ALTER TABLE ONLY public.course_category ALTER COLUMN id SET DEFAULT nextval('public.course_category_id_seq'::regclass);
ALTER TABLE ONLY public.hour_exemption ALTER COLUMN id SET DEFAULT nextval('public.hour_exemption_id_seq'::regclass);
ALTER TABLE ONLY public.hour_policy ALTER COLUMN id SET DEFAULT nextval('public.hour_policy_id_seq'::regclass);
ALTER TABLE ONLY public.lesson ALTER COLUMN id SET DEFAULT nextval('public.lesson_id_seq'::regclass);
ALTER TABLE ONLY public.live_check ALTER COLUMN id SET DEFAULT nextval('public.live_check_id_seq'::regclass);
ALTER TABLE ONLY public.live_class ALTER COLUMN id SET DEFAULT nextval('public.live_class_id_seq'::regclass);
ALTER TABLE ONLY public.live_code ALTER COLUMN id SET DEFAULT nextval('public.live_code_id_seq'::regclass);
ALTER TABLE ONLY public.live_hand ALTER COLUMN id SET DEFAULT nextval('public.live_hand_id_seq'::regclass);
ALTER TABLE ONLY public.live_message ALTER COLUMN id SET DEFAULT nextval('public.live_message_id_seq'::regclass);
ALTER TABLE ONLY public.live_poll ALTER COLUMN id SET DEFAULT nextval('public.live_poll_id_seq'::regclass);
ALTER TABLE ONLY public.live_presence ALTER COLUMN id SET DEFAULT nextval('public.live_presence_id_seq'::regclass);
ALTER TABLE ONLY public.live_question ALTER COLUMN id SET DEFAULT nextval('public.live_question_id_seq'::regclass);
ALTER TABLE ONLY public.media_asset ALTER COLUMN id SET DEFAULT nextval('public.media_asset_id_seq'::regclass);
ALTER TABLE ONLY public.media_job ALTER COLUMN id SET DEFAULT nextval('public.media_job_id_seq'::regclass);
ALTER TABLE ONLY public.member ALTER COLUMN id SET DEFAULT nextval('public.member_id_seq'::regclass);
ALTER TABLE ONLY public.membership_transfer ALTER COLUMN id SET DEFAULT nextval('public.membership_transfer_id_seq'::regclass);
ALTER TABLE ONLY public.org_tree_lock ALTER COLUMN id SET DEFAULT nextval('public.org_tree_lock_id_seq'::regclass);
ALTER TABLE ONLY public.org_year_mark ALTER COLUMN id SET DEFAULT nextval('public.org_year_mark_id_seq'::regclass);
ALTER TABLE ONLY public.organization ALTER COLUMN id SET DEFAULT nextval('public.organization_id_seq'::regclass);
ALTER TABLE ONLY public.password_use ALTER COLUMN id SET DEFAULT nextval('public.password_use_id_seq'::regclass);
ALTER TABLE ONLY public.play_session ALTER COLUMN id SET DEFAULT nextval('public.play_session_id_seq'::regclass);
ALTER TABLE ONLY public.post_holding ALTER COLUMN id SET DEFAULT nextval('public.post_holding_id_seq'::regclass);
ALTER TABLE ONLY public.question ALTER COLUMN id SET DEFAULT nextval('public.question_id_seq'::regclass);
ALTER TABLE ONLY public.question_file ALTER COLUMN id SET DEFAULT nextval('public.question_file_id_seq'::regclass);
ALTER TABLE ONLY public.question_import ALTER COLUMN id SET DEFAULT nextval('public.question_import_id_seq'::regclass);
ALTER TABLE ONLY public.question_version ALTER COLUMN id SET DEFAULT nextval('public.question_version_id_seq'::regclass);
ALTER TABLE ONLY public.quiz ALTER COLUMN id SET DEFAULT nextval('public.quiz_id_seq'::regclass);
ALTER TABLE ONLY public.quiz_note ALTER COLUMN id SET DEFAULT nextval('public.quiz_note_id_seq'::regclass);
ALTER TABLE ONLY public.quiz_section ALTER COLUMN id SET DEFAULT nextval('public.quiz_section_id_seq'::regclass);
ALTER TABLE ONLY public.review_request ALTER COLUMN id SET DEFAULT nextval('public.review_request_id_seq'::regclass);
ALTER TABLE ONLY public.role_grant ALTER COLUMN id SET DEFAULT nextval('public.role_grant_id_seq'::regclass);
ALTER TABLE ONLY public.sign_in ALTER COLUMN id SET DEFAULT nextval('public.sign_in_id_seq'::regclass);
ALTER TABLE ONLY public.sign_in_failure ALTER COLUMN id SET DEFAULT nextval('public.sign_in_failure_id_seq'::regclass);
ALTER TABLE ONLY public.slide_deck ALTER COLUMN id SET DEFAULT nextval('public.slide_deck_id_seq'::regclass);
ALTER TABLE ONLY public.stream ALTER COLUMN id SET DEFAULT nextval('public.stream_id_seq'::regclass);
ALTER TABLE ONLY public.study_hour_entry ALTER COLUMN id SET DEFAULT nextval('public.study_hour_entry_id_seq'::regclass);
ALTER TABLE ONLY public.study_item ALTER COLUMN id SET DEFAULT nextval('public.study_item_id_seq'::regclass);
ALTER TABLE ONLY public.study_part ALTER COLUMN id SET DEFAULT nextval('public.study_part_id_seq'::regclass);
ALTER TABLE ONLY public.timeline ALTER COLUMN id SET DEFAULT nextval('public.timeline_id_seq'::regclass);
ALTER TABLE ONLY public.upload ALTER COLUMN id SET DEFAULT nextval('public.upload_id_seq'::regclass);
INSERT INTO public.account VALUES (1, 'member', NULL, '王建国', 1, '$argon2id$v=19$m=19456,t=2,p=1$goKhqoGoWA5iu3VB3tflaQ$+WufG/eX6ZVhB9SYUGv8RWVe3JrUZn+WfRZCi5PrjaU', false, true, 'zh', 0, '2026-01-05 01:00:00+00');
INSERT INTO public.account VALUES (2, 'secretary', NULL, '李秀兰', 2, '$argon2id$v=19$m=19456,t=2,p=1$goKhqoGoWA5iu3VB3tflaQ$+WufG/eX6ZVhB9SYUGv8RWVe3JrUZn+WfRZCi5PrjaU', false, true, 'zh', 0, '2026-01-05 01:00:00+00');
INSERT INTO public.account VALUES (3, 'outsider', NULL, '阿依古丽·买买提', 3, '$argon2id$v=19$m=19456,t=2,p=1$goKhqoGoWA5iu3VB3tflaQ$+WufG/eX6ZVhB9SYUGv8RWVe3JrUZn+WfRZCi5PrjaU', false, true, 'zh', 0, '2026-01-05 01:00:00+00');
INSERT INTO public.account VALUES (4, 'trainer', NULL, '周明远', NULL, '$argon2id$v=19$m=19456,t=2,p=1$goKhqoGoWA5iu3VB3tflaQ$+WufG/eX6ZVhB9SYUGv8RWVe3JrUZn+WfRZCi5PrjaU', false, true, 'zh', 0, '2026-01-05 01:00:00+00');
INSERT INTO public.account VALUES (5, 'reviewer', NULL, '陈静', NULL, '$argon2id$v=19$m=19456,t=2,p=1$goKhqoGoWA5iu3VB3tflaQ$+WufG/eX6ZVhB9SYUGv8RWVe3JrUZn+WfRZCi5PrjaU', false, true, 'zh', 0, '2026-01-05 01:00:00+00');
INSERT INTO public.account VALUES (6, 'admin', NULL, '马文华', NULL, '$argon2id$v=19$m=19456,t=2,p=1$goKhqoGoWA5iu3VB3tflaQ$+WufG/eX6ZVhB9SYUGv8RWVe3JrUZn+WfRZCi5PrjaU', false, true, 'zh', 0, '2026-01-05 01:00:00+00');
INSERT INTO public.account VALUES (7, 'sysadmin', NULL, '赵磊', NULL, '$argon2id$v=19$m=19456,t=2,p=1$goKhqoGoWA5iu3VB3tflaQ$+WufG/eX6ZVhB9SYUGv8RWVe3JrUZn+WfRZCi5PrjaU', false, true, 'zh', 0, '2026-01-05 01:00:00+00');
INSERT INTO public.alembic_version VALUES ('0003');
INSERT INTO public.answer_key VALUES (1, 1, '{"right":[1]}', 4, false, '', '2026-11-22 19:25:38.548831+00', NULL);
INSERT INTO public.answer_key VALUES (2, 1, '{"right":[0,1,2]}', 4, false, '', '2026-11-22 19:25:38.551684+00', NULL);
INSERT INTO public.answer_key VALUES (3, 1, '{"right":true}', 4, false, '', '2026-11-22 19:25:38.55361+00', NULL);
INSERT INTO public.answer_key VALUES (4, 1, '{"blanks":[["1921","一九二一"]]}', 4, false, '', '2026-11-22 19:25:38.555434+00', NULL);
INSERT INTO public.answer_key VALUES (5, 1, '{"order":[1,0,2]}', 4, false, '', '2026-11-22 19:25:38.55741+00', NULL);
INSERT INTO public.answer_key VALUES (6, 1, '{"pairs":[1,0]}', 4, false, '', '2026-11-22 19:25:38.559248+00', NULL);
INSERT INTO public.answer_key VALUES (7, 1, '{"model":"每月一次，由组长召集。"}', 4, false, '', '2026-11-22 19:25:38.561097+00', NULL);
INSERT INTO public.attempt VALUES (1, 1, 1, NULL, 3, 1, 'submitted', 1, '[[1,1,500,null,null],[2,2,500,null,null],[3,3,500,null,null],[4,4,500,null,null],[5,5,500,null,null],[6,6,500,null,null],[7,7,500,null,null]]', 1795374938567, NULL, 0, 1795375538567, 'member', '', '', '', false, 0, 0, NULL, 3500, NULL);
INSERT INTO public.attempt_answer VALUES (1, 0, 1, '[1]', 1, 1795375538567, 5000, 500, 1);
INSERT INTO public.attempt_answer VALUES (1, 1, 2, '[0,1,2]', 1, 1795375538567, 5000, 500, 1);
INSERT INTO public.attempt_answer VALUES (1, 2, 3, 'true', 1, 1795375538567, 5000, 500, 1);
INSERT INTO public.attempt_answer VALUES (1, 3, 4, '["1921"]', 1, 1795375538567, 5000, 500, 1);
INSERT INTO public.attempt_answer VALUES (1, 4, 5, '[1,0,2]', 1, 1795375538567, 5000, 500, 1);
INSERT INTO public.attempt_answer VALUES (1, 5, 6, '[1,0]', 1, 1795375538567, 5000, 500, 1);
INSERT INTO public.attempt_answer VALUES (1, 6, 7, '"每月一次。"', 1, 1795375538567, 5000, NULL, 1);
INSERT INTO public.live_class VALUES (1, '河东夜校：冬季柑橘园怎么管', '', '', 1, 4, NULL, NULL, '2026-11-22 19:24:38.506758+00', 2, 100, false, 'internal', 14, 'ended', '{}', NULL, 1, 2, 1, '[]', 1795375418510, 1795375538510, NULL, 'attended', 0, NULL, NULL, NULL, NULL, '', '2026-11-22 19:25:38.506766+00', NULL, 1);
INSERT INTO public.live_event VALUES (1, 1, 1795375418510, 'state', 'all', NULL, NULL, '{"state":"live"}');
INSERT INTO public.live_event VALUES (1, 2, 1795375538510, 'state', 'all', NULL, NULL, '{"state":"ended"}');
INSERT INTO public.member VALUES (1, 3, '王建国', '', '', 0, 0, '01', NULL, '', 'full', '2015-07-01', NULL, NULL, '', NULL, NULL, NULL, false, '', 'normal', false, '2026-01-05 01:00:00+00');
INSERT INTO public.member VALUES (2, 3, '李秀兰', '', '', 0, 0, '01', NULL, '', 'full', '2015-07-01', NULL, NULL, '', NULL, NULL, NULL, false, '', 'normal', false, '2026-01-05 01:00:00+00');
INSERT INTO public.member VALUES (3, 4, '阿依古丽·买买提', '', '', 0, 0, '01', NULL, '', 'full', '2015-07-01', NULL, NULL, '', NULL, NULL, NULL, false, '', 'normal', false, '2026-01-05 01:00:00+00');
INSERT INTO public.org_closure VALUES (1, 1, 0);
INSERT INTO public.org_closure VALUES (2, 2, 0);
INSERT INTO public.org_closure VALUES (1, 2, 1);
INSERT INTO public.org_closure VALUES (3, 3, 0);
INSERT INTO public.org_closure VALUES (2, 3, 1);
INSERT INTO public.org_closure VALUES (1, 3, 2);
INSERT INTO public.org_closure VALUES (4, 4, 0);
INSERT INTO public.org_closure VALUES (2, 4, 1);
INSERT INTO public.org_closure VALUES (1, 4, 2);
INSERT INTO public.organization VALUES (1, '001', '中共青禾县委员会', '青禾县', 'committee', NULL, '001.', 1, NULL);
INSERT INTO public.organization VALUES (2, '001001', '中共石桥镇委员会', '石桥镇', 'committee', 1, '001.001.', 1, NULL);
INSERT INTO public.organization VALUES (3, '001001001', '中共河东村支部委员会', '河东村', 'branch', 2, '001.001.001.', 1, NULL);
INSERT INTO public.organization VALUES (4, '001001002', '中共河西村支部委员会', '河西村', 'branch', 2, '001.001.002.', 2, NULL);
INSERT INTO public.question VALUES (1, 1, 4, 'single', '党章', 1, '国家宪法日是哪一天？', '', 'approved', 1, 1, NULL, NULL, NULL, '', '2026-11-22 19:25:38.545546+00', NULL, '2026-11-22 19:25:38.545547+00', '', '');
INSERT INTO public.question VALUES (2, 1, 4, 'multiple', '党章', 1, '“三会一课”的“三会”包括哪些？', '', 'approved', 1, 2, NULL, NULL, NULL, '', '2026-11-22 19:25:38.550502+00', NULL, '2026-11-22 19:25:38.550504+00', '', '');
INSERT INTO public.question VALUES (3, 1, 4, 'judge', '党章', 1, '党员有退党的自由。', '', 'approved', 1, 3, NULL, NULL, NULL, '', '2026-11-22 19:25:38.552546+00', NULL, '2026-11-22 19:25:38.552547+00', '', '');
INSERT INTO public.question VALUES (4, 1, 4, 'fill', '党章', 1, '一大召开于____年。', '', 'approved', 1, 4, NULL, NULL, NULL, '', '2026-11-22 19:25:38.554401+00', NULL, '2026-11-22 19:25:38.554403+00', '', '');
INSERT INTO public.question VALUES (5, 1, 4, 'order', '党章', 1, '按先后排列。', '', 'approved', 1, 5, NULL, NULL, NULL, '', '2026-11-22 19:25:38.556422+00', NULL, '2026-11-22 19:25:38.556424+00', '', '');
INSERT INTO public.question VALUES (6, 1, 4, 'match', '党章', 1, '把会议和地点连起来。', '', 'approved', 1, 6, NULL, NULL, NULL, '', '2026-11-22 19:25:38.55817+00', NULL, '2026-11-22 19:25:38.558172+00', '', '');
INSERT INTO public.question VALUES (7, 1, 4, 'short', '党章', 1, '党小组会怎么开？', '', 'approved', 1, 7, NULL, NULL, NULL, '', '2026-11-22 19:25:38.560111+00', NULL, '2026-11-22 19:25:38.560113+00', '', '');
INSERT INTO public.question_version VALUES (1, 1, 1, '{"stem":"国家宪法日是哪一天？","media":[],"options":[{"text":"10月1日","media":[]},{"text":"12月4日","media":[]},{"text":"12月13日","media":[]}]}', '见党章。', '党章', 4, '2026-11-22 19:25:38.547509+00', NULL, NULL);
INSERT INTO public.question_version VALUES (2, 2, 1, '{"stem":"“三会一课”的“三会”包括哪些？","media":[],"options":[{"text":"支部党员大会","media":[]},{"text":"支部委员会会议","media":[]},{"text":"党小组会","media":[]},{"text":"民主生活会","media":[]}]}', '见党章。', '党章', 4, '2026-11-22 19:25:38.551181+00', NULL, NULL);
INSERT INTO public.question_version VALUES (3, 3, 1, '{"stem":"党员有退党的自由。","media":[]}', '见党章。', '党章', 4, '2026-11-22 19:25:38.553129+00', NULL, NULL);
INSERT INTO public.question_version VALUES (4, 4, 1, '{"stem":"一大召开于____年。","media":[],"blanks":1}', '见党章。', '党章', 4, '2026-11-22 19:25:38.55496+00', NULL, NULL);
INSERT INTO public.question_version VALUES (5, 5, 1, '{"stem":"按先后排列。","media":[],"options":[{"text":"遵义会议","media":[]},{"text":"一大","media":[]},{"text":"七大","media":[]}]}', '见党章。', '党章', 4, '2026-11-22 19:25:38.556942+00', NULL, NULL);
INSERT INTO public.question_version VALUES (6, 6, 1, '{"stem":"把会议和地点连起来。","media":[],"left":[{"text":"一大","media":[]},{"text":"七大","media":[]}],"right":[{"text":"延安","media":[]},{"text":"上海","media":[]},{"text":"遵义","media":[]}]}', '见党章。', '党章', 4, '2026-11-22 19:25:38.558722+00', NULL, NULL);
INSERT INTO public.question_version VALUES (7, 7, 1, '{"stem":"党小组会怎么开？","media":[],"limit":500}', '见党章。', '党章', 4, '2026-11-22 19:25:38.560697+00', NULL, NULL);
INSERT INTO public.quiz VALUES (1, 'exam', '党章党纪知识测验', '', '', 1, 4, 'published', 'internal', 1, NULL, '', '2026-11-22 19:25:38.561764+00', NULL, '2026-11-22 19:25:38.561753+00', NULL, NULL, 30, 30, 3, 0, NULL, false, '', NULL, false, false, true, false, 'submitted', 600, 3500, 50, 'online', false, NULL, NULL, NULL, false, false, false);
INSERT INTO public.quiz_item VALUES (1, 1, 1, NULL);
INSERT INTO public.quiz_item VALUES (1, 2, 2, NULL);
INSERT INTO public.quiz_item VALUES (1, 3, 3, NULL);
INSERT INTO public.quiz_item VALUES (1, 4, 4, NULL);
INSERT INTO public.quiz_item VALUES (1, 5, 5, NULL);
INSERT INTO public.quiz_item VALUES (1, 6, 6, NULL);
INSERT INTO public.quiz_item VALUES (1, 7, 7, NULL);
INSERT INTO public.quiz_section VALUES (1, 1, 1, '', NULL, 0, 500);
INSERT INTO public.role_grant VALUES (1, 1, 'learner', 3, NULL, '2026-01-05 01:00:00+00');
INSERT INTO public.role_grant VALUES (2, 2, 'learner', 3, NULL, '2026-01-05 01:00:00+00');
INSERT INTO public.role_grant VALUES (3, 2, 'branch_secretary', 3, NULL, '2026-01-05 01:00:00+00');
INSERT INTO public.role_grant VALUES (4, 3, 'learner', 4, NULL, '2026-01-05 01:00:00+00');
INSERT INTO public.role_grant VALUES (5, 4, 'trainer', 1, NULL, '2026-01-05 01:00:00+00');
INSERT INTO public.role_grant VALUES (6, 5, 'reviewer', 1, NULL, '2026-01-05 01:00:00+00');
INSERT INTO public.role_grant VALUES (7, 6, 'org_admin', 1, NULL, '2026-01-05 01:00:00+00');
INSERT INTO public.role_grant VALUES (8, 7, 'sysadmin', 1, NULL, '2026-01-05 01:00:00+00');
INSERT INTO public.segment VALUES (1, 'source', 0, 0, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375418510);
INSERT INTO public.segment VALUES (1, 'audio', 0, 0, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375418510);
INSERT INTO public.segment VALUES (1, 'source', 1, 10000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375428510);
INSERT INTO public.segment VALUES (1, 'audio', 1, 10000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375428510);
INSERT INTO public.segment VALUES (1, 'source', 2, 20000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375438510);
INSERT INTO public.segment VALUES (1, 'audio', 2, 20000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375438510);
INSERT INTO public.segment VALUES (1, 'source', 3, 30000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375448510);
INSERT INTO public.segment VALUES (1, 'audio', 3, 30000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375448510);
INSERT INTO public.segment VALUES (1, 'source', 4, 40000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375458510);
INSERT INTO public.segment VALUES (1, 'audio', 4, 40000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375458510);
INSERT INTO public.segment VALUES (1, 'source', 5, 50000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375468510);
INSERT INTO public.segment VALUES (1, 'audio', 5, 50000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375468510);
INSERT INTO public.segment VALUES (1, 'source', 6, 60000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375478510);
INSERT INTO public.segment VALUES (1, 'audio', 6, 60000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375478510);
INSERT INTO public.segment VALUES (1, 'source', 7, 70000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375488510);
INSERT INTO public.segment VALUES (1, 'audio', 7, 70000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375488510);
INSERT INTO public.segment VALUES (1, 'source', 8, 80000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375498510);
INSERT INTO public.segment VALUES (1, 'audio', 8, 80000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375498510);
INSERT INTO public.segment VALUES (1, 'source', 9, 90000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375508510);
INSERT INTO public.segment VALUES (1, 'audio', 9, 90000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375508510);
INSERT INTO public.segment VALUES (1, 'source', 10, 100000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375518510);
INSERT INTO public.segment VALUES (1, 'audio', 10, 100000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375518510);
INSERT INTO public.segment VALUES (1, 'source', 11, 110000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375528510);
INSERT INTO public.segment VALUES (1, 'audio', 11, 110000, 10000000, 1000, '0000000000000000000000000000000000000000000000000000000000000000', 0, 1795375528510);
INSERT INTO public.stream VALUES (1, 'ended', NULL, NULL, 0, 1, NULL, '{}', '2026-11-22 19:25:38.505093+00', '2026-11-22 19:25:38.515203+00', '2026-11-22 19:25:38.544406+00');
INSERT INTO public.timeline VALUES (1, NULL, 'timelines/1/', 0, 120000, '[{"name":"source","kind":"video","codecs":"avc1.42e01f","bandwidth":800,"average":800,"width":640,"height":360,"frame_rate":15.0},{"name":"audio","kind":"audio","codecs":"mp4a.40.2","bandwidth":800,"average":800,"width":0,"height":0,"frame_rate":0.0}]', NULL, '{}', '2026-11-22 19:25:38.515276+00', '2026-11-22 19:25:38.544398+00');
SELECT pg_catalog.setval('public.account_id_seq', 7, true);
SELECT pg_catalog.setval('public.attempt_event_id_seq', 1, false);
SELECT pg_catalog.setval('public.attempt_id_seq', 1, true);
SELECT pg_catalog.setval('public.audit_log_id_seq', 1, false);
SELECT pg_catalog.setval('public.course_category_id_seq', 1, false);
SELECT pg_catalog.setval('public.course_id_seq', 1, false);
SELECT pg_catalog.setval('public.hour_exemption_id_seq', 1, false);
SELECT pg_catalog.setval('public.hour_policy_id_seq', 1, false);
SELECT pg_catalog.setval('public.lesson_id_seq', 1, false);
SELECT pg_catalog.setval('public.live_check_id_seq', 1, false);
SELECT pg_catalog.setval('public.live_class_id_seq', 1, true);
SELECT pg_catalog.setval('public.live_code_id_seq', 1, false);
SELECT pg_catalog.setval('public.live_hand_id_seq', 1, false);
SELECT pg_catalog.setval('public.live_message_id_seq', 1, false);
SELECT pg_catalog.setval('public.live_poll_id_seq', 1, false);
SELECT pg_catalog.setval('public.live_presence_id_seq', 1, false);
SELECT pg_catalog.setval('public.live_question_id_seq', 1, false);
SELECT pg_catalog.setval('public.media_asset_id_seq', 1, false);
SELECT pg_catalog.setval('public.media_job_id_seq', 1, false);
SELECT pg_catalog.setval('public.member_id_seq', 3, true);
SELECT pg_catalog.setval('public.membership_transfer_id_seq', 1, false);
SELECT pg_catalog.setval('public.org_tree_lock_id_seq', 1, false);
SELECT pg_catalog.setval('public.org_year_mark_id_seq', 1, false);
SELECT pg_catalog.setval('public.organization_id_seq', 4, true);
SELECT pg_catalog.setval('public.password_use_id_seq', 1, false);
SELECT pg_catalog.setval('public.play_session_id_seq', 1, false);
SELECT pg_catalog.setval('public.post_holding_id_seq', 1, false);
SELECT pg_catalog.setval('public.question_file_id_seq', 1, false);
SELECT pg_catalog.setval('public.question_id_seq', 7, true);
SELECT pg_catalog.setval('public.question_import_id_seq', 1, false);
SELECT pg_catalog.setval('public.question_version_id_seq', 7, true);
SELECT pg_catalog.setval('public.quiz_id_seq', 1, true);
SELECT pg_catalog.setval('public.quiz_note_id_seq', 1, false);
SELECT pg_catalog.setval('public.quiz_section_id_seq', 1, true);
SELECT pg_catalog.setval('public.review_request_id_seq', 1, false);
SELECT pg_catalog.setval('public.role_grant_id_seq', 8, true);
SELECT pg_catalog.setval('public.sign_in_failure_id_seq', 1, false);
SELECT pg_catalog.setval('public.sign_in_id_seq', 1, false);
SELECT pg_catalog.setval('public.slide_deck_id_seq', 1, false);
SELECT pg_catalog.setval('public.stream_id_seq', 1, true);
SELECT pg_catalog.setval('public.study_hour_entry_id_seq', 1, false);
SELECT pg_catalog.setval('public.study_item_id_seq', 1, false);
SELECT pg_catalog.setval('public.study_part_id_seq', 1, false);
SELECT pg_catalog.setval('public.timeline_id_seq', 1, true);
SELECT pg_catalog.setval('public.upload_id_seq', 1, false);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT pk_account PRIMARY KEY (id);
ALTER TABLE ONLY public.answer_key
    ADD CONSTRAINT pk_answer_key PRIMARY KEY (version_id, revision);
ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT pk_attempt PRIMARY KEY (id);
ALTER TABLE ONLY public.attempt_answer
    ADD CONSTRAINT pk_attempt_answer PRIMARY KEY (attempt_id, "position");
ALTER TABLE ONLY public.attempt_event
    ADD CONSTRAINT pk_attempt_event PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT pk_audit_log PRIMARY KEY (id);
ALTER TABLE ONLY public.course
    ADD CONSTRAINT pk_course PRIMARY KEY (id);
ALTER TABLE ONLY public.course_audience
    ADD CONSTRAINT pk_course_audience PRIMARY KEY (course_id, org_id);
ALTER TABLE ONLY public.course_category
    ADD CONSTRAINT pk_course_category PRIMARY KEY (id);
ALTER TABLE ONLY public.course_term
    ADD CONSTRAINT pk_course_term PRIMARY KEY (term, course_id);
ALTER TABLE ONLY public.coverage
    ADD CONSTRAINT pk_coverage PRIMARY KEY (member_id, part_id, mode);
ALTER TABLE ONLY public.hour_exemption
    ADD CONSTRAINT pk_hour_exemption PRIMARY KEY (id);
ALTER TABLE ONLY public.hour_policy
    ADD CONSTRAINT pk_hour_policy PRIMARY KEY (id);
ALTER TABLE ONLY public.lease
    ADD CONSTRAINT pk_lease PRIMARY KEY (name);
ALTER TABLE ONLY public.lesson
    ADD CONSTRAINT pk_lesson PRIMARY KEY (id);
ALTER TABLE ONLY public.live_attendance
    ADD CONSTRAINT pk_live_attendance PRIMARY KEY (class_id, member_id);
ALTER TABLE ONLY public.live_audience
    ADD CONSTRAINT pk_live_audience PRIMARY KEY (class_id, org_id);
ALTER TABLE ONLY public.live_check
    ADD CONSTRAINT pk_live_check PRIMARY KEY (id);
ALTER TABLE ONLY public.live_class
    ADD CONSTRAINT pk_live_class PRIMARY KEY (id);
ALTER TABLE ONLY public.live_code
    ADD CONSTRAINT pk_live_code PRIMARY KEY (id);
ALTER TABLE ONLY public.live_event
    ADD CONSTRAINT pk_live_event PRIMARY KEY (class_id, no);
ALTER TABLE ONLY public.live_hand
    ADD CONSTRAINT pk_live_hand PRIMARY KEY (id);
ALTER TABLE ONLY public.live_here
    ADD CONSTRAINT pk_live_here PRIMARY KEY (check_id, member_id);
ALTER TABLE ONLY public.live_message
    ADD CONSTRAINT pk_live_message PRIMARY KEY (id);
ALTER TABLE ONLY public.live_mute
    ADD CONSTRAINT pk_live_mute PRIMARY KEY (class_id, account_id);
ALTER TABLE ONLY public.live_poll
    ADD CONSTRAINT pk_live_poll PRIMARY KEY (id);
ALTER TABLE ONLY public.live_presence
    ADD CONSTRAINT pk_live_presence PRIMARY KEY (id);
ALTER TABLE ONLY public.live_question
    ADD CONSTRAINT pk_live_question PRIMARY KEY (id);
ALTER TABLE ONLY public.live_report
    ADD CONSTRAINT pk_live_report PRIMARY KEY (class_id);
ALTER TABLE ONLY public.live_second
    ADD CONSTRAINT pk_live_second PRIMARY KEY (question_id, account_id);
ALTER TABLE ONLY public.live_sign_in
    ADD CONSTRAINT pk_live_sign_in PRIMARY KEY (class_id, member_id);
ALTER TABLE ONLY public.live_voter
    ADD CONSTRAINT pk_live_voter PRIMARY KEY (poll_id, account_id);
ALTER TABLE ONLY public.media_asset
    ADD CONSTRAINT pk_media_asset PRIMARY KEY (id);
ALTER TABLE ONLY public.media_job
    ADD CONSTRAINT pk_media_job PRIMARY KEY (id);
ALTER TABLE ONLY public.member
    ADD CONSTRAINT pk_member PRIMARY KEY (id);
ALTER TABLE ONLY public.member_year
    ADD CONSTRAINT pk_member_year PRIMARY KEY (member_id, year);
ALTER TABLE ONLY public.membership_transfer
    ADD CONSTRAINT pk_membership_transfer PRIMARY KEY (id);
ALTER TABLE ONLY public.org_closure
    ADD CONSTRAINT pk_org_closure PRIMARY KEY (ancestor_id, descendant_id);
ALTER TABLE ONLY public.org_tree_lock
    ADD CONSTRAINT pk_org_tree_lock PRIMARY KEY (id);
ALTER TABLE ONLY public.org_year
    ADD CONSTRAINT pk_org_year PRIMARY KEY (org_id, year);
ALTER TABLE ONLY public.org_year_mark
    ADD CONSTRAINT pk_org_year_mark PRIMARY KEY (id);
ALTER TABLE ONLY public.organization
    ADD CONSTRAINT pk_organization PRIMARY KEY (id);
ALTER TABLE ONLY public.password_use
    ADD CONSTRAINT pk_password_use PRIMARY KEY (id);
ALTER TABLE ONLY public.play_session
    ADD CONSTRAINT pk_play_session PRIMARY KEY (id);
ALTER TABLE ONLY public.post_holding
    ADD CONSTRAINT pk_post_holding PRIMARY KEY (id);
ALTER TABLE ONLY public.question
    ADD CONSTRAINT pk_question PRIMARY KEY (id);
ALTER TABLE ONLY public.question_file
    ADD CONSTRAINT pk_question_file PRIMARY KEY (id);
ALTER TABLE ONLY public.question_import
    ADD CONSTRAINT pk_question_import PRIMARY KEY (id);
ALTER TABLE ONLY public.question_redo
    ADD CONSTRAINT pk_question_redo PRIMARY KEY (member_id, question_id);
ALTER TABLE ONLY public.question_tag
    ADD CONSTRAINT pk_question_tag PRIMARY KEY (tag, question_id);
ALTER TABLE ONLY public.question_version
    ADD CONSTRAINT pk_question_version PRIMARY KEY (id);
ALTER TABLE ONLY public.quiz
    ADD CONSTRAINT pk_quiz PRIMARY KEY (id);
ALTER TABLE ONLY public.quiz_audience
    ADD CONSTRAINT pk_quiz_audience PRIMARY KEY (quiz_id, org_id);
ALTER TABLE ONLY public.quiz_helper
    ADD CONSTRAINT pk_quiz_helper PRIMARY KEY (quiz_id, account_id);
ALTER TABLE ONLY public.quiz_item
    ADD CONSTRAINT pk_quiz_item PRIMARY KEY (section_id, "position");
ALTER TABLE ONLY public.quiz_note
    ADD CONSTRAINT pk_quiz_note PRIMARY KEY (id);
ALTER TABLE ONLY public.quiz_report
    ADD CONSTRAINT pk_quiz_report PRIMARY KEY (quiz_id);
ALTER TABLE ONLY public.quiz_result
    ADD CONSTRAINT pk_quiz_result PRIMARY KEY (quiz_id, member_id);
ALTER TABLE ONLY public.quiz_section
    ADD CONSTRAINT pk_quiz_section PRIMARY KEY (id);
ALTER TABLE ONLY public.review_request
    ADD CONSTRAINT pk_review_request PRIMARY KEY (id);
ALTER TABLE ONLY public.role_grant
    ADD CONSTRAINT pk_role_grant PRIMARY KEY (id);
ALTER TABLE ONLY public.segment
    ADD CONSTRAINT pk_segment PRIMARY KEY (timeline_id, rendition, number);
ALTER TABLE ONLY public.short_mark
    ADD CONSTRAINT pk_short_mark PRIMARY KEY (attempt_id, "position", marker_id);
ALTER TABLE ONLY public.sign_in
    ADD CONSTRAINT pk_sign_in PRIMARY KEY (id);
ALTER TABLE ONLY public.sign_in_failure
    ADD CONSTRAINT pk_sign_in_failure PRIMARY KEY (id);
ALTER TABLE ONLY public.slide_deck
    ADD CONSTRAINT pk_slide_deck PRIMARY KEY (id);
ALTER TABLE ONLY public.stream
    ADD CONSTRAINT pk_stream PRIMARY KEY (id);
ALTER TABLE ONLY public.stream_node
    ADD CONSTRAINT pk_stream_node PRIMARY KEY (name);
ALTER TABLE ONLY public.study_day
    ADD CONSTRAINT pk_study_day PRIMARY KEY (member_id, day);
ALTER TABLE ONLY public.study_hour_entry
    ADD CONSTRAINT pk_study_hour_entry PRIMARY KEY (id);
ALTER TABLE ONLY public.study_item
    ADD CONSTRAINT pk_study_item PRIMARY KEY (id);
ALTER TABLE ONLY public.study_need
    ADD CONSTRAINT pk_study_need PRIMARY KEY (item_kind, item_ref, kind, ref_id);
ALTER TABLE ONLY public.study_part
    ADD CONSTRAINT pk_study_part PRIMARY KEY (id);
ALTER TABLE ONLY public.study_proof
    ADD CONSTRAINT pk_study_proof PRIMARY KEY (member_id, kind, ref_id);
ALTER TABLE ONLY public.study_stay
    ADD CONSTRAINT pk_study_stay PRIMARY KEY (member_id, part_id, mode, from_ms);
ALTER TABLE ONLY public.timeline
    ADD CONSTRAINT pk_timeline PRIMARY KEY (id);
ALTER TABLE ONLY public.upload
    ADD CONSTRAINT pk_upload PRIMARY KEY (id);
ALTER TABLE ONLY public.upload_part
    ADD CONSTRAINT pk_upload_part PRIMARY KEY (upload_id, "offset");
ALTER TABLE ONLY public.account
    ADD CONSTRAINT uq_account_login UNIQUE (login);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT uq_account_member_id UNIQUE (member_id);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT uq_account_mobile_hash UNIQUE (mobile_hash);
ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT uq_attempt_quiz_id_member_id_no UNIQUE (quiz_id, member_id, no);
ALTER TABLE ONLY public.course_category
    ADD CONSTRAINT uq_course_category_name UNIQUE (name);
ALTER TABLE ONLY public.hour_exemption
    ADD CONSTRAINT uq_hour_exemption_member_id_year UNIQUE (member_id, year);
ALTER TABLE ONLY public.live_event
    ADD CONSTRAINT uq_live_event_class_id_account_id_key UNIQUE (class_id, account_id, key);
ALTER TABLE ONLY public.media_job
    ADD CONSTRAINT uq_media_job_key UNIQUE (key);
ALTER TABLE ONLY public.member
    ADD CONSTRAINT uq_member_id_number_hash UNIQUE (id_number_hash);
ALTER TABLE ONLY public.organization
    ADD CONSTRAINT uq_organization_code UNIQUE (code);
ALTER TABLE ONLY public.organization
    ADD CONSTRAINT uq_organization_path UNIQUE (path);
ALTER TABLE ONLY public.question_version
    ADD CONSTRAINT uq_question_version_question_id_no UNIQUE (question_id, no);
ALTER TABLE ONLY public.role_grant
    ADD CONSTRAINT uq_role_grant_account_id_role_org_id UNIQUE (account_id, role, org_id);
ALTER TABLE ONLY public.sign_in
    ADD CONSTRAINT uq_sign_in_token_hash UNIQUE (token_hash);
ALTER TABLE ONLY public.study_hour_entry
    ADD CONSTRAINT uq_study_hour_entry_member_id_year_source_kind_source_i_8014 UNIQUE (member_id, year, source_kind, source_id, mode, revision);
ALTER TABLE ONLY public.study_item
    ADD CONSTRAINT uq_study_item_kind_ref_id UNIQUE (kind, ref_id);
ALTER TABLE ONLY public.study_part
    ADD CONSTRAINT uq_study_part_item_id_ref_id_timeline_id UNIQUE (item_id, ref_id, timeline_id);
ALTER TABLE ONLY public.timeline
    ADD CONSTRAINT uq_timeline_prefix UNIQUE (prefix);
ALTER TABLE ONLY public.upload
    ADD CONSTRAINT uq_upload_token UNIQUE (token);
CREATE INDEX ix_answer_key_unapplied ON public.answer_key USING btree (version_id) WHERE ((revision > 1) AND (applied_at IS NULL));
CREATE INDEX ix_attempt_answer_version_id ON public.attempt_answer USING btree (version_id);
CREATE INDEX ix_attempt_event_attempt_id ON public.attempt_event USING btree (attempt_id);
CREATE INDEX ix_attempt_member_id ON public.attempt USING btree (member_id);
CREATE INDEX ix_attempt_open_deadline ON public.attempt USING btree (deadline_ms) WHERE ((state)::text = 'open'::text);
CREATE INDEX ix_attempt_quiz_state ON public.attempt USING btree (quiz_id, state);
CREATE INDEX ix_audit_log_at ON public.audit_log USING btree (at);
CREATE INDEX ix_audit_log_event ON public.audit_log USING btree (event);
CREATE INDEX ix_audit_log_org_id ON public.audit_log USING btree (org_id);
CREATE INDEX ix_audit_log_subject_id ON public.audit_log USING btree (subject_id);
CREATE INDEX ix_course_category_id ON public.course USING btree (category_id);
CREATE INDEX ix_course_org_id ON public.course USING btree (org_id);
CREATE INDEX ix_course_term_course_id ON public.course_term USING btree (course_id);
CREATE INDEX ix_course_trainer_id ON public.course USING btree (trainer_id);
CREATE INDEX ix_hour_exemption_member_id ON public.hour_exemption USING btree (member_id);
CREATE INDEX ix_lesson_asset_id ON public.lesson USING btree (asset_id);
CREATE INDEX ix_lesson_course_id ON public.lesson USING btree (course_id);
CREATE INDEX ix_lesson_timeline_id ON public.lesson USING btree (timeline_id);
CREATE INDEX ix_live_attendance_member_makeup ON public.live_attendance USING btree (member_id, makeup_until);
CREATE INDEX ix_live_check_class_id ON public.live_check USING btree (class_id);
CREATE INDEX ix_live_class_helper_id ON public.live_class USING btree (helper_id);
CREATE INDEX ix_live_class_org_id ON public.live_class USING btree (org_id);
CREATE INDEX ix_live_class_state_starts_at ON public.live_class USING btree (state, starts_at);
CREATE INDEX ix_live_class_trainer_id ON public.live_class USING btree (trainer_id);
CREATE INDEX ix_live_code_class_id ON public.live_code USING btree (class_id);
CREATE INDEX ix_live_hand_class_id ON public.live_hand USING btree (class_id);
CREATE INDEX ix_live_message_class_id ON public.live_message USING btree (class_id);
CREATE INDEX ix_live_poll_class_id ON public.live_poll USING btree (class_id);
CREATE INDEX ix_live_presence_class_member ON public.live_presence USING btree (class_id, member_id);
CREATE INDEX ix_live_question_class_id ON public.live_question USING btree (class_id);
CREATE INDEX ix_media_asset_owner_id ON public.media_asset USING btree (owner_id);
CREATE INDEX ix_media_asset_sha256 ON public.media_asset USING btree (sha256);
CREATE INDEX ix_media_asset_twin_id ON public.media_asset USING btree (twin_id);
CREATE INDEX ix_media_job_asset_id ON public.media_job USING btree (asset_id);
CREATE INDEX ix_media_job_pick ON public.media_job USING btree (state, priority, run_at);
CREATE INDEX ix_member_initials ON public.member USING btree (initials);
CREATE INDEX ix_member_name ON public.member USING btree (name);
CREATE INDEX ix_member_org_id ON public.member USING btree (org_id);
CREATE INDEX ix_member_org_status ON public.member USING btree (org_id, party_status);
CREATE INDEX ix_member_pinyin ON public.member USING btree (pinyin);
CREATE INDEX ix_member_year_org_year_member ON public.member_year USING btree (org_id, year, member_id);
CREATE INDEX ix_membership_transfer_member_id ON public.membership_transfer USING btree (member_id);
CREATE INDEX ix_org_closure_descendant_id ON public.org_closure USING btree (descendant_id);
CREATE INDEX ix_org_year_parent_id ON public.org_year USING btree (parent_id);
CREATE INDEX ix_organization_parent_id ON public.organization USING btree (parent_id);
CREATE INDEX ix_password_use_account_id ON public.password_use USING btree (account_id);
CREATE INDEX ix_play_session_member_part ON public.play_session USING btree (member_id, part_id);
CREATE INDEX ix_post_holding_member_id ON public.post_holding USING btree (member_id);
CREATE INDEX ix_question_author_id ON public.question USING btree (author_id);
CREATE INDEX ix_question_file_org_id ON public.question_file USING btree (org_id);
CREATE INDEX ix_question_file_sha256 ON public.question_file USING btree (sha256);
CREATE INDEX ix_question_import_account_id ON public.question_import USING btree (account_id);
CREATE INDEX ix_question_org_id ON public.question USING btree (org_id);
CREATE INDEX ix_question_state_category ON public.question USING btree (state, category);
CREATE INDEX ix_question_tag_question_id ON public.question_tag USING btree (question_id);
CREATE INDEX ix_quiz_author_id ON public.quiz USING btree (author_id);
CREATE INDEX ix_quiz_course_ref ON public.quiz USING btree (course_ref);
CREATE INDEX ix_quiz_item_question_id ON public.quiz_item USING btree (question_id);
CREATE INDEX ix_quiz_note_quiz_id ON public.quiz_note USING btree (quiz_id);
CREATE INDEX ix_quiz_org_id ON public.quiz USING btree (org_id);
CREATE INDEX ix_quiz_report_asked_at ON public.quiz_report USING btree (asked_at);
CREATE INDEX ix_quiz_result_member_id ON public.quiz_result USING btree (member_id);
CREATE INDEX ix_quiz_result_org_id ON public.quiz_result USING btree (org_id);
CREATE INDEX ix_quiz_section_quiz_id ON public.quiz_section USING btree (quiz_id);
CREATE INDEX ix_quiz_state_closes_at ON public.quiz USING btree (state, closes_at);
CREATE INDEX ix_review_request_member_id ON public.review_request USING btree (member_id);
CREATE INDEX ix_review_request_org_id ON public.review_request USING btree (org_id);
CREATE INDEX ix_role_grant_account_id ON public.role_grant USING btree (account_id);
CREATE INDEX ix_role_grant_org_id ON public.role_grant USING btree (org_id);
CREATE INDEX ix_sign_in_account_id ON public.sign_in USING btree (account_id);
CREATE INDEX ix_sign_in_failure_address ON public.sign_in_failure USING btree (address);
CREATE INDEX ix_sign_in_failure_at ON public.sign_in_failure USING btree (at);
CREATE INDEX ix_sign_in_failure_login_hash ON public.sign_in_failure USING btree (login_hash);
CREATE INDEX ix_slide_deck_owner_id ON public.slide_deck USING btree (owner_id);
CREATE INDEX ix_stream_node ON public.stream USING btree (node);
CREATE INDEX ix_study_hour_entry_member_id ON public.study_hour_entry USING btree (member_id);
CREATE INDEX ix_study_hour_entry_member_year ON public.study_hour_entry USING btree (member_id, year);
CREATE INDEX ix_study_part_item_id ON public.study_part USING btree (item_id);
CREATE INDEX ix_timeline_asset_id ON public.timeline USING btree (asset_id);
CREATE INDEX ix_upload_asset_id ON public.upload USING btree (asset_id);
CREATE INDEX ix_upload_owner_id ON public.upload USING btree (owner_id);
CREATE UNIQUE INDEX uq_attempt_open ON public.attempt USING btree (quiz_id, member_id) WHERE ((state)::text = 'open'::text);
CREATE UNIQUE INDEX uq_study_hour_entry_reverses_id ON public.study_hour_entry USING btree (reverses_id) WHERE (reverses_id IS NOT NULL);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT fk_account_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.answer_key
    ADD CONSTRAINT fk_answer_key_author_id FOREIGN KEY (author_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.answer_key
    ADD CONSTRAINT fk_answer_key_version_id FOREIGN KEY (version_id) REFERENCES public.question_version(id);
ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT fk_attempt_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.attempt_answer
    ADD CONSTRAINT fk_attempt_answer_attempt_id FOREIGN KEY (attempt_id) REFERENCES public.attempt(id);
ALTER TABLE ONLY public.attempt_answer
    ADD CONSTRAINT fk_attempt_answer_version_id FOREIGN KEY (version_id) REFERENCES public.question_version(id);
ALTER TABLE ONLY public.attempt_event
    ADD CONSTRAINT fk_attempt_event_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.attempt_event
    ADD CONSTRAINT fk_attempt_event_attempt_id FOREIGN KEY (attempt_id) REFERENCES public.attempt(id);
ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT fk_attempt_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT fk_attempt_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT fk_attempt_quiz_id FOREIGN KEY (quiz_id) REFERENCES public.quiz(id);
ALTER TABLE ONLY public.course_audience
    ADD CONSTRAINT fk_course_audience_course_id FOREIGN KEY (course_id) REFERENCES public.course(id);
ALTER TABLE ONLY public.course_audience
    ADD CONSTRAINT fk_course_audience_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.course
    ADD CONSTRAINT fk_course_category_id FOREIGN KEY (category_id) REFERENCES public.course_category(id);
ALTER TABLE ONLY public.course
    ADD CONSTRAINT fk_course_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.course
    ADD CONSTRAINT fk_course_reviewer_id FOREIGN KEY (reviewer_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.course_term
    ADD CONSTRAINT fk_course_term_course_id FOREIGN KEY (course_id) REFERENCES public.course(id);
ALTER TABLE ONLY public.course
    ADD CONSTRAINT fk_course_trainer_id FOREIGN KEY (trainer_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.coverage
    ADD CONSTRAINT fk_coverage_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.coverage
    ADD CONSTRAINT fk_coverage_part_id FOREIGN KEY (part_id) REFERENCES public.study_part(id);
ALTER TABLE ONLY public.hour_exemption
    ADD CONSTRAINT fk_hour_exemption_approved_by FOREIGN KEY (approved_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.hour_exemption
    ADD CONSTRAINT fk_hour_exemption_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.lesson
    ADD CONSTRAINT fk_lesson_asset_id FOREIGN KEY (asset_id) REFERENCES public.media_asset(id);
ALTER TABLE ONLY public.lesson
    ADD CONSTRAINT fk_lesson_course_id FOREIGN KEY (course_id) REFERENCES public.course(id);
ALTER TABLE ONLY public.lesson
    ADD CONSTRAINT fk_lesson_timeline_id FOREIGN KEY (timeline_id) REFERENCES public.timeline(id);
ALTER TABLE ONLY public.live_attendance
    ADD CONSTRAINT fk_live_attendance_class_id FOREIGN KEY (class_id) REFERENCES public.live_class(id);
ALTER TABLE ONLY public.live_attendance
    ADD CONSTRAINT fk_live_attendance_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.live_attendance
    ADD CONSTRAINT fk_live_attendance_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.live_audience
    ADD CONSTRAINT fk_live_audience_class_id FOREIGN KEY (class_id) REFERENCES public.live_class(id);
ALTER TABLE ONLY public.live_audience
    ADD CONSTRAINT fk_live_audience_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.live_check
    ADD CONSTRAINT fk_live_check_class_id FOREIGN KEY (class_id) REFERENCES public.live_class(id);
ALTER TABLE ONLY public.live_class
    ADD CONSTRAINT fk_live_class_deck_id FOREIGN KEY (deck_id) REFERENCES public.slide_deck(id);
ALTER TABLE ONLY public.live_class
    ADD CONSTRAINT fk_live_class_helper_id FOREIGN KEY (helper_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.live_class
    ADD CONSTRAINT fk_live_class_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.live_class
    ADD CONSTRAINT fk_live_class_reviewer_id FOREIGN KEY (reviewer_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.live_class
    ADD CONSTRAINT fk_live_class_stream_id FOREIGN KEY (stream_id) REFERENCES public.stream(id);
ALTER TABLE ONLY public.live_class
    ADD CONSTRAINT fk_live_class_trainer_id FOREIGN KEY (trainer_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.live_code
    ADD CONSTRAINT fk_live_code_class_id FOREIGN KEY (class_id) REFERENCES public.live_class(id);
ALTER TABLE ONLY public.live_event
    ADD CONSTRAINT fk_live_event_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.live_event
    ADD CONSTRAINT fk_live_event_class_id FOREIGN KEY (class_id) REFERENCES public.live_class(id);
ALTER TABLE ONLY public.live_hand
    ADD CONSTRAINT fk_live_hand_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.live_hand
    ADD CONSTRAINT fk_live_hand_class_id FOREIGN KEY (class_id) REFERENCES public.live_class(id);
ALTER TABLE ONLY public.live_here
    ADD CONSTRAINT fk_live_here_check_id FOREIGN KEY (check_id) REFERENCES public.live_check(id);
ALTER TABLE ONLY public.live_here
    ADD CONSTRAINT fk_live_here_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.live_message
    ADD CONSTRAINT fk_live_message_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.live_message
    ADD CONSTRAINT fk_live_message_class_id FOREIGN KEY (class_id) REFERENCES public.live_class(id);
ALTER TABLE ONLY public.live_message
    ADD CONSTRAINT fk_live_message_handled_by FOREIGN KEY (handled_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.live_mute
    ADD CONSTRAINT fk_live_mute_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.live_mute
    ADD CONSTRAINT fk_live_mute_class_id FOREIGN KEY (class_id) REFERENCES public.live_class(id);
ALTER TABLE ONLY public.live_mute
    ADD CONSTRAINT fk_live_mute_muted_by FOREIGN KEY (muted_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.live_poll
    ADD CONSTRAINT fk_live_poll_class_id FOREIGN KEY (class_id) REFERENCES public.live_class(id);
ALTER TABLE ONLY public.live_presence
    ADD CONSTRAINT fk_live_presence_class_id FOREIGN KEY (class_id) REFERENCES public.live_class(id);
ALTER TABLE ONLY public.live_presence
    ADD CONSTRAINT fk_live_presence_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.live_question
    ADD CONSTRAINT fk_live_question_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.live_question
    ADD CONSTRAINT fk_live_question_class_id FOREIGN KEY (class_id) REFERENCES public.live_class(id);
ALTER TABLE ONLY public.live_report
    ADD CONSTRAINT fk_live_report_class_id FOREIGN KEY (class_id) REFERENCES public.live_class(id);
ALTER TABLE ONLY public.live_second
    ADD CONSTRAINT fk_live_second_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.live_second
    ADD CONSTRAINT fk_live_second_question_id FOREIGN KEY (question_id) REFERENCES public.live_question(id);
ALTER TABLE ONLY public.live_sign_in
    ADD CONSTRAINT fk_live_sign_in_class_id FOREIGN KEY (class_id) REFERENCES public.live_class(id);
ALTER TABLE ONLY public.live_sign_in
    ADD CONSTRAINT fk_live_sign_in_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.live_voter
    ADD CONSTRAINT fk_live_voter_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.live_voter
    ADD CONSTRAINT fk_live_voter_poll_id FOREIGN KEY (poll_id) REFERENCES public.live_poll(id);
ALTER TABLE ONLY public.media_asset
    ADD CONSTRAINT fk_media_asset_owner_id FOREIGN KEY (owner_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.media_asset
    ADD CONSTRAINT fk_media_asset_twin_id FOREIGN KEY (twin_id) REFERENCES public.media_asset(id);
ALTER TABLE ONLY public.media_job
    ADD CONSTRAINT fk_media_job_asset_id FOREIGN KEY (asset_id) REFERENCES public.media_asset(id);
ALTER TABLE ONLY public.member
    ADD CONSTRAINT fk_member_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.member_year
    ADD CONSTRAINT fk_member_year_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.member_year
    ADD CONSTRAINT fk_member_year_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.membership_transfer
    ADD CONSTRAINT fk_membership_transfer_by_account_id FOREIGN KEY (by_account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.membership_transfer
    ADD CONSTRAINT fk_membership_transfer_from_org_id FOREIGN KEY (from_org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.membership_transfer
    ADD CONSTRAINT fk_membership_transfer_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.membership_transfer
    ADD CONSTRAINT fk_membership_transfer_to_org_id FOREIGN KEY (to_org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.org_closure
    ADD CONSTRAINT fk_org_closure_ancestor_id FOREIGN KEY (ancestor_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.org_closure
    ADD CONSTRAINT fk_org_closure_descendant_id FOREIGN KEY (descendant_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.org_year
    ADD CONSTRAINT fk_org_year_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.organization
    ADD CONSTRAINT fk_organization_parent_id FOREIGN KEY (parent_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.password_use
    ADD CONSTRAINT fk_password_use_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.play_session
    ADD CONSTRAINT fk_play_session_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.play_session
    ADD CONSTRAINT fk_play_session_part_id FOREIGN KEY (part_id) REFERENCES public.study_part(id);
ALTER TABLE ONLY public.play_session
    ADD CONSTRAINT fk_play_session_policy_id FOREIGN KEY (policy_id) REFERENCES public.hour_policy(id);
ALTER TABLE ONLY public.post_holding
    ADD CONSTRAINT fk_post_holding_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.question
    ADD CONSTRAINT fk_question_author_id FOREIGN KEY (author_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.question_file
    ADD CONSTRAINT fk_question_file_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.question_file
    ADD CONSTRAINT fk_question_file_owner_id FOREIGN KEY (owner_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.question_import
    ADD CONSTRAINT fk_question_import_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.question_import
    ADD CONSTRAINT fk_question_import_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.question
    ADD CONSTRAINT fk_question_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.question_redo
    ADD CONSTRAINT fk_question_redo_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.question_redo
    ADD CONSTRAINT fk_question_redo_question_id FOREIGN KEY (question_id) REFERENCES public.question(id);
ALTER TABLE ONLY public.question
    ADD CONSTRAINT fk_question_reviewer_id FOREIGN KEY (reviewer_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.question_tag
    ADD CONSTRAINT fk_question_tag_question_id FOREIGN KEY (question_id) REFERENCES public.question(id);
ALTER TABLE ONLY public.question_version
    ADD CONSTRAINT fk_question_version_author_id FOREIGN KEY (author_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.question_version
    ADD CONSTRAINT fk_question_version_question_id FOREIGN KEY (question_id) REFERENCES public.question(id);
ALTER TABLE ONLY public.question_version
    ADD CONSTRAINT fk_question_version_reviewer_id FOREIGN KEY (reviewer_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.quiz_audience
    ADD CONSTRAINT fk_quiz_audience_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.quiz_audience
    ADD CONSTRAINT fk_quiz_audience_quiz_id FOREIGN KEY (quiz_id) REFERENCES public.quiz(id);
ALTER TABLE ONLY public.quiz
    ADD CONSTRAINT fk_quiz_author_id FOREIGN KEY (author_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.quiz_helper
    ADD CONSTRAINT fk_quiz_helper_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.quiz_helper
    ADD CONSTRAINT fk_quiz_helper_quiz_id FOREIGN KEY (quiz_id) REFERENCES public.quiz(id);
ALTER TABLE ONLY public.quiz_item
    ADD CONSTRAINT fk_quiz_item_question_id FOREIGN KEY (question_id) REFERENCES public.question(id);
ALTER TABLE ONLY public.quiz_item
    ADD CONSTRAINT fk_quiz_item_section_id FOREIGN KEY (section_id) REFERENCES public.quiz_section(id);
ALTER TABLE ONLY public.quiz_note
    ADD CONSTRAINT fk_quiz_note_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.quiz_note
    ADD CONSTRAINT fk_quiz_note_attempt_id FOREIGN KEY (attempt_id) REFERENCES public.attempt(id);
ALTER TABLE ONLY public.quiz_note
    ADD CONSTRAINT fk_quiz_note_quiz_id FOREIGN KEY (quiz_id) REFERENCES public.quiz(id);
ALTER TABLE ONLY public.quiz
    ADD CONSTRAINT fk_quiz_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.quiz_report
    ADD CONSTRAINT fk_quiz_report_quiz_id FOREIGN KEY (quiz_id) REFERENCES public.quiz(id);
ALTER TABLE ONLY public.quiz
    ADD CONSTRAINT fk_quiz_resit_of_id FOREIGN KEY (resit_of_id) REFERENCES public.quiz(id);
ALTER TABLE ONLY public.quiz_result
    ADD CONSTRAINT fk_quiz_result_attempt_id FOREIGN KEY (attempt_id) REFERENCES public.attempt(id);
ALTER TABLE ONLY public.quiz_result
    ADD CONSTRAINT fk_quiz_result_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.quiz_result
    ADD CONSTRAINT fk_quiz_result_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.quiz_result
    ADD CONSTRAINT fk_quiz_result_quiz_id FOREIGN KEY (quiz_id) REFERENCES public.quiz(id);
ALTER TABLE ONLY public.quiz
    ADD CONSTRAINT fk_quiz_reviewer_id FOREIGN KEY (reviewer_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.quiz_section
    ADD CONSTRAINT fk_quiz_section_quiz_id FOREIGN KEY (quiz_id) REFERENCES public.quiz(id);
ALTER TABLE ONLY public.review_request
    ADD CONSTRAINT fk_review_request_answered_by FOREIGN KEY (answered_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.review_request
    ADD CONSTRAINT fk_review_request_entry_id FOREIGN KEY (entry_id) REFERENCES public.study_hour_entry(id);
ALTER TABLE ONLY public.review_request
    ADD CONSTRAINT fk_review_request_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.review_request
    ADD CONSTRAINT fk_review_request_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.review_request
    ADD CONSTRAINT fk_review_request_part_id FOREIGN KEY (part_id) REFERENCES public.study_part(id);
ALTER TABLE ONLY public.role_grant
    ADD CONSTRAINT fk_role_grant_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.role_grant
    ADD CONSTRAINT fk_role_grant_granted_by FOREIGN KEY (granted_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.role_grant
    ADD CONSTRAINT fk_role_grant_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.segment
    ADD CONSTRAINT fk_segment_timeline_id FOREIGN KEY (timeline_id) REFERENCES public.timeline(id);
ALTER TABLE ONLY public.short_mark
    ADD CONSTRAINT fk_short_mark_attempt_id FOREIGN KEY (attempt_id) REFERENCES public.attempt(id);
ALTER TABLE ONLY public.short_mark
    ADD CONSTRAINT fk_short_mark_marker_id FOREIGN KEY (marker_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.sign_in
    ADD CONSTRAINT fk_sign_in_account_id FOREIGN KEY (account_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.slide_deck
    ADD CONSTRAINT fk_slide_deck_owner_id FOREIGN KEY (owner_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.stream
    ADD CONSTRAINT fk_stream_camera_timeline_id FOREIGN KEY (camera_timeline_id) REFERENCES public.timeline(id);
ALTER TABLE ONLY public.stream
    ADD CONSTRAINT fk_stream_timeline_id FOREIGN KEY (timeline_id) REFERENCES public.timeline(id);
ALTER TABLE ONLY public.study_day
    ADD CONSTRAINT fk_study_day_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.study_hour_entry
    ADD CONSTRAINT fk_study_hour_entry_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.study_hour_entry
    ADD CONSTRAINT fk_study_hour_entry_org_id FOREIGN KEY (org_id) REFERENCES public.organization(id);
ALTER TABLE ONLY public.study_hour_entry
    ADD CONSTRAINT fk_study_hour_entry_policy_id FOREIGN KEY (policy_id) REFERENCES public.hour_policy(id);
ALTER TABLE ONLY public.study_hour_entry
    ADD CONSTRAINT fk_study_hour_entry_posted_by FOREIGN KEY (posted_by) REFERENCES public.account(id);
ALTER TABLE ONLY public.study_hour_entry
    ADD CONSTRAINT fk_study_hour_entry_reverses_id FOREIGN KEY (reverses_id) REFERENCES public.study_hour_entry(id);
ALTER TABLE ONLY public.study_part
    ADD CONSTRAINT fk_study_part_item_id FOREIGN KEY (item_id) REFERENCES public.study_item(id);
ALTER TABLE ONLY public.study_proof
    ADD CONSTRAINT fk_study_proof_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.study_stay
    ADD CONSTRAINT fk_study_stay_member_id FOREIGN KEY (member_id) REFERENCES public.member(id);
ALTER TABLE ONLY public.study_stay
    ADD CONSTRAINT fk_study_stay_part_id FOREIGN KEY (part_id) REFERENCES public.study_part(id);
ALTER TABLE ONLY public.timeline
    ADD CONSTRAINT fk_timeline_asset_id FOREIGN KEY (asset_id) REFERENCES public.media_asset(id);
ALTER TABLE ONLY public.upload
    ADD CONSTRAINT fk_upload_asset_id FOREIGN KEY (asset_id) REFERENCES public.media_asset(id);
ALTER TABLE ONLY public.upload
    ADD CONSTRAINT fk_upload_owner_id FOREIGN KEY (owner_id) REFERENCES public.account(id);
ALTER TABLE ONLY public.upload_part
    ADD CONSTRAINT fk_upload_part_upload_id FOREIGN KEY (upload_id) REFERENCES public.upload(id);
