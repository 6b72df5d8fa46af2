-- The module's options. Times in ms, sizes in bytes.

return {
	component = module:get_option_string("receipts_component", "receipts."..module.host);
	several = module:get_option_boolean("receipts_several", false);
	fail = module:get_option_string("receipts_fail", "open");
	timeout = module:get_option_number("receipts_timeout", 3000);
	lease = module:get_option_number("receipts_lease", 30000);
	max_held = module:get_option_number("receipts_max_held", 10000);
	max_held_bytes = module:get_option_number("receipts_max_held_bytes", 64 * 1024 * 1024);
	max_queue_bytes = module:get_option_number("receipts_max_queue_bytes", 64 * 1024 * 1024);
	remembered = module:get_option_number("receipts_remembered", 100000);
	reading_patience = module:get_option_number("receipts_reading_patience", 2000);
	ping_delay = module:get_option_number("receipts_ping_delay", 250);
	ping_timeout = module:get_option_number("receipts_ping_timeout", 60000);
};
