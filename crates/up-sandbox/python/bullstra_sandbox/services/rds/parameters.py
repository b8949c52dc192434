"""The names of the engines' parameters, as DescribeDBParameters lists them: not all of those that AWS has."""

from __future__ import annotations

POSTGRES = frozenset(
    """application_name archive_command archive_timeout array_nulls authentication_timeout autovacuum
    autovacuum_analyze_scale_factor autovacuum_analyze_threshold autovacuum_freeze_max_age autovacuum_max_workers
    autovacuum_naptime autovacuum_vacuum_cost_delay autovacuum_vacuum_cost_limit autovacuum_vacuum_scale_factor
    autovacuum_vacuum_threshold autovacuum_work_mem backend_flush_after backslash_quote bgwriter_delay
    bgwriter_flush_after bgwriter_lru_maxpages bgwriter_lru_multiplier bytea_output check_function_bodies
    checkpoint_completion_target checkpoint_flush_after checkpoint_timeout checkpoint_warning client_encoding
    client_min_messages commit_delay commit_siblings constraint_exclusion cpu_index_tuple_cost cpu_operator_cost
    cpu_tuple_cost cursor_tuple_fraction datestyle deadlock_timeout debug_pretty_print default_statistics_target
    default_tablespace default_transaction_isolation effective_cache_size effective_io_concurrency
    enable_bitmapscan enable_hashagg enable_hashjoin enable_indexonlyscan enable_indexscan enable_material
    enable_mergejoin enable_nestloop enable_seqscan enable_sort enable_tidscan escape_string_warning
    exit_on_error extra_float_digits force_parallel_mode from_collapse_limit fsync full_page_writes geqo
    geqo_effort geqo_generations geqo_pool_size geqo_seed geqo_threshold gin_fuzzy_search_limit
    gin_pending_list_limit hot_standby_feedback huge_pages idle_in_transaction_session_timeout intervalstyle
    join_collapse_limit lc_messages lc_monetary lc_numeric lc_time listen_addresses lo_compat_privileges
    log_autovacuum_min_duration log_checkpoints log_connections log_destination log_disconnections log_duration
    log_error_verbosity log_executor_stats log_hostname log_lock_waits log_min_duration_statement
    log_min_error_statement log_min_messages log_parser_stats log_planner_stats log_replication_commands
    log_rotation_age log_rotation_size log_statement log_statement_stats log_temp_files maintenance_work_mem
    max_connections max_locks_per_transaction max_parallel_workers max_parallel_workers_per_gather
    max_prepared_transactions max_replication_slots max_stack_depth max_wal_senders max_wal_size
    max_worker_processes min_wal_size old_snapshot_threshold password_encryption random_page_cost rds.force_ssl
    rds.log_retention_period rds.logical_replication search_path seq_page_cost shared_buffers
    shared_preload_libraries statement_timeout synchronous_commit temp_buffers timezone track_activities
    track_activity_query_size track_counts track_functions track_io_timing vacuum_cost_delay vacuum_cost_limit
    wal_buffers wal_compression wal_keep_size wal_writer_delay work_mem xmlbinary xmloption""".split()
)
MYSQL = frozenset(
    """activate_all_roles_on_login auto_increment_increment auto_increment_offset autocommit automatic_sp_privileges back_log
    binlog_cache_size binlog_checksum binlog_format binlog_order_commits binlog_row_image
    binlog_rows_query_log_events binlog_stmt_cache_size bulk_insert_buffer_size character_set_client
    character_set_connection character_set_database character_set_filesystem character_set_results
    character_set_server collation_connection collation_server completion_type concurrent_insert connect_timeout
    default_storage_engine default_time_zone default_week_format delay_key_write div_precision_increment
    event_scheduler explicit_defaults_for_timestamp flush_time general_log group_concat_max_len
    host_cache_size init_connect innodb_adaptive_flushing innodb_adaptive_hash_index innodb_autoextend_increment
    innodb_autoinc_lock_mode innodb_buffer_pool_dump_at_shutdown innodb_buffer_pool_instances
    innodb_buffer_pool_load_at_startup innodb_buffer_pool_size innodb_change_buffering innodb_checksum_algorithm
    innodb_cmp_per_index_enabled innodb_concurrency_tickets innodb_fast_shutdown innodb_file_per_table
    innodb_flush_log_at_trx_commit innodb_flush_method innodb_flush_neighbors innodb_io_capacity
    innodb_io_capacity_max innodb_lock_wait_timeout innodb_log_buffer_size innodb_log_file_size
    innodb_lru_scan_depth innodb_max_dirty_pages_pct innodb_max_purge_lag innodb_monitor_enable
    innodb_old_blocks_pct innodb_old_blocks_time innodb_online_alter_log_max_size innodb_open_files
    innodb_page_cleaners innodb_print_all_deadlocks innodb_purge_batch_size innodb_purge_threads
    innodb_read_ahead_threshold innodb_read_io_threads innodb_rollback_on_timeout innodb_sort_buffer_size
    innodb_spin_wait_delay innodb_stats_on_metadata innodb_stats_persistent innodb_strict_mode
    innodb_thread_concurrency innodb_undo_log_truncate innodb_write_io_threads interactive_timeout
    join_buffer_size key_buffer_size local_infile lock_wait_timeout log_bin_trust_function_creators
    log_error_verbosity log_output log_queries_not_using_indexes log_slow_admin_statements long_query_time
    lower_case_table_names max_allowed_packet max_binlog_size max_connect_errors max_connections
    max_execution_time max_heap_table_size max_join_size max_prepared_stmt_count max_sort_length net_buffer_length
    net_read_timeout net_retry_count net_write_timeout optimizer_search_depth optimizer_switch
    performance_schema read_only read_rnd_buffer_size require_secure_transport slow_query_log sort_buffer_size
    sql_mode sync_binlog table_definition_cache table_open_cache thread_cache_size thread_stack time_zone
    tmp_table_size transaction_isolation wait_timeout""".split()
)


def of(family: str) -> set[str]:
    """All parameters of a family, such as `postgres16`."""
    return set(POSTGRES if family.startswith("postgres") else MYSQL)
