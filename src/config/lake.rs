//! Where the lake is kept: a folder, or a place in an object store. No credentials, and nothing that could hold one.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use crate::error::{Error, Result};

/// Where the Parquet files and their commit log are kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lake {
    /// A folder, or a place in an object store: `s3://bucket/prefix`, `az://container/prefix`. Its credentials come from the
    /// environment or the machine's role, and never stand here: docs/object-stores.md.
    pub path: PathBuf,
    /// Of a lake in an object store: folder on this machine for copies of data files and for answers; `lake-cache` where absent.
    pub cache: Option<PathBuf>,
    /// Of a lake in an object store: seconds without a sign of life after which a run that writes loses it to the next.
    #[serde(default = "Lake::usual_lease")]
    pub lease_s: u16,
}

impl Lake {
    fn usual_lease() -> u16 {
        60
    }

    pub(super) fn check(&self, place: &str) -> Result<()> {
        let wrong = |key: &str, what: &str, hint: &str| Error::Config {
            place: format!("{place}: [lake] {key}"),
            what: what.into(),
            hint: hint.into(),
        };
        let url = self.address().map_err(|(what, hint)| wrong("path", &what, hint))?;
        if url.is_none() && self.cache.is_some() {
            let hint = "take it out; it is for a lake on s3:// or az://";
            return Err(wrong("cache", "a lake in a folder needs no cache", hint));
        }
        match (2..=3600).contains(&self.lease_s) {
            true => Ok(()),
            false => Err(wrong("lease_s", "it is from 2 to 3600 seconds", "60 will do")),
        }
    }

    /// The address, where it is in an object store.
    ///
    /// # Errors
    /// It is no address of a store that we know, or has in it what does not belong there.
    pub fn url(&self) -> Result<Option<Url>> {
        self.address().map_err(|(what, hint)| Error::Config { place: "[lake] path".into(), what, hint: hint.into() })
    }

    fn address(&self) -> Result<Option<Url>, (String, &'static str)> {
        let text = self.path.to_string_lossy();
        let Some((scheme, rest)) = text.split_once("://") else { return Ok(None) };
        if !["s3", "az"].contains(&scheme) {
            let what = format!("no lake is kept on {scheme}://");
            return Err((what, "name a folder, s3://bucket/prefix or az://container/prefix"));
        }
        // What a key or a question mark would be in, an error must not repeat.
        if rest.contains(['@', '?', '#', ':']) {
            let hint = "credentials and endpoint come from the environment: docs/object-stores.md";
            return Err(("an address has only a bucket and a prefix".into(), hint));
        }
        let rest = rest.trim_end_matches('/');
        let is_plain = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        match Url::parse(&format!("{scheme}://{rest}")) {
            Ok(url) if rest.contains('/') && rest.split('/').all(is_plain) => Ok(Some(url)),
            _ => Err((
                "the address is not bucket/prefix of letters, digits, - _ and .".into(),
                "write it like s3://calls/onhook or az://calls/onhook",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lake(path: &str) -> Lake {
        Lake { path: path.into(), cache: None, lease_s: 60 }
    }

    #[test]
    fn a_folder_is_no_address_and_an_address_has_a_bucket_and_a_prefix() {
        assert_eq!(lake("lake").url().unwrap(), None);
        assert_eq!(lake("/data/s3/lake").url().unwrap(), None);
        let url = lake("s3://calls/onhook/lake/").url().unwrap().unwrap();
        assert_eq!((url.host_str(), url.path()), (Some("calls"), "/onhook/lake"));
        assert_eq!(lake("az://calls/onhook").url().unwrap().unwrap().as_str(), "az://calls/onhook");
        for path in
            ["s3://calls", "s3:///lake", "s3://calls//lake", "s3://calls/../lake", "s3://calls/a b", "gs://calls/lake"]
        {
            assert!(lake(path).url().is_err(), "{path}");
        }
    }

    #[test]
    fn an_address_with_a_key_in_it_is_refused_and_not_repeated() {
        for path in ["s3://id:hush@calls/lake", "az://calls/lake?sig=hush", "s3://calls:9000/lake#hush"] {
            let error = lake(path).check("onhook.toml").unwrap_err().to_string();
            assert!(error.contains("only a bucket and a prefix") && !error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_cache_is_for_object_stores_and_a_lease_has_bounds() {
        let cached = |path: &str| Lake { cache: Some("copies".into()), ..lake(path) };
        assert!(cached("lake").check("onhook.toml").is_err());
        assert!(cached("s3://calls/lake").check("onhook.toml").is_ok());
        assert!(Lake { lease_s: 1, ..lake("s3://calls/lake") }.check("onhook.toml").is_err());
    }
}
