//! What a client has set for itself, and what it is told of the server when it asks. Nothing here changes what rows there are.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use pgwire::api::ClientInfo;
use pgwire::api::auth::DefaultServerParameterProvider;
use pgwire::messages::data::DataRow;

use super::catalogue::SERVER_VERSION;
use super::statement::Setting;
use super::users::ITERATIONS;

/// Among what is known of a connection. What a client says at its start may stand there too, so it is never trusted with more
/// than the server's own limit.
const TIMEOUT: &str = "onhook.statement_timeout_ms";

/// What a client is told when it has logged in.
pub fn told_at_login() -> DefaultServerParameterProvider {
    let mut parameters = DefaultServerParameterProvider::default();
    parameters.server_version = SERVER_VERSION.into();
    parameters.is_superuser = false;
    parameters.default_transaction_read_only = true;
    parameters.scram_iterations = ITERATIONS;
    parameters
}

pub fn set<C: ClientInfo>(client: &mut C, setting: Setting) {
    let metadata = client.metadata_mut();
    match setting {
        Setting::Told(name, value) => drop(metadata.insert(format!("onhook.{name}"), value)),
        Setting::Timeout(Some(time)) => drop(metadata.insert(TIMEOUT.into(), time.as_millis().to_string())),
        Setting::Timeout(None) => drop(metadata.remove(TIMEOUT)),
        Setting::Ignored => {}
    }
}

/// Lets go of all that the client has set.
pub fn forget<C: ClientInfo>(client: &mut C) {
    client.metadata_mut().retain(|name, _| !name.starts_with("onhook."));
}

/// The limit that the client has set itself.
pub fn timeout<C: ClientInfo>(client: &C) -> Option<Duration> {
    client.metadata().get(TIMEOUT)?.parse().ok().map(Duration::from_millis)
}

/// The value of a setting; `limit` is the server's own of a statement's time.
pub fn value<C: ClientInfo>(client: &C, name: &str, limit: Duration) -> String {
    let usual = match name {
        "application_name" => "",
        "bytea_output" => "hex",
        "client_encoding" | "server_encoding" => "UTF8",
        "DateStyle" => "ISO, YMD",
        "IntervalStyle" => "postgres",
        "TimeZone" => "Etc/UTC",
        "default_transaction_isolation" | "transaction_isolation" => "read committed",
        "default_transaction_read_only" | "transaction_read_only" => "on",
        "standard_conforming_strings" | "integer_datetimes" => "on",
        "in_hot_standby" | "is_superuser" => "off",
        "extra_float_digits" => "1",
        "lc_collate" | "lc_ctype" => "C",
        "max_identifier_length" => "63",
        "search_path" => "\"$user\", public",
        "server_version" => SERVER_VERSION,
        "server_version_num" => "160006",
        "statement_timeout" => {
            let time = timeout(client).map_or(limit, |asked| asked.min(limit));
            return format!("{}ms", time.as_millis());
        }
        _ => "",
    };
    client.metadata().get(&format!("onhook.{name}")).cloned().unwrap_or_else(|| usual.to_string())
}

/// A row of one text.
pub fn row(text: &str) -> DataRow {
    let mut data = BytesMut::with_capacity(text.len() + 4);
    data.put_i32(text.len() as i32);
    data.put_slice(text.as_bytes());
    DataRow::new(data, 1)
}
