-- Who may read what. Passwords are set where the roles are used (stores.warehouse.set_passwords), never here.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboard_reader') THEN CREATE ROLE dashboard_reader LOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'steward_reader') THEN CREATE ROLE steward_reader LOGIN; END IF;
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA core, intake, published FROM PUBLIC;
GRANT USAGE ON SCHEMA published TO dashboard_reader, steward_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA published TO dashboard_reader, steward_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA published GRANT SELECT ON TABLES TO dashboard_reader, steward_reader;
GRANT USAGE ON SCHEMA intake TO steward_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA intake TO steward_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA intake GRANT SELECT ON TABLES TO steward_reader;
