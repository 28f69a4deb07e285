//! What a browser may do with the page: use its one style and its one script, known by their SHA-256, and nothing else:
//! no request, no other code, no form, whatever text stands on the page. What they do is in `page.css` and `page.js`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The content security policy for a page with this style and this script. Both must be set letter by letter.
pub fn policy(style: &str, script: &str) -> String {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        source(script),
        source(style)
    )
}

fn source(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_known_by_its_digest() {
        // the digests of FIPS 180-4's examples, in base 64
        assert_eq!(source(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert_eq!(source("abc"), "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
        let policy = policy("abc", "");
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-47DEQ"), "{policy}");
        assert!(policy.contains("style-src 'sha256-ungWv48") && !policy.contains("unsafe"), "{policy}");
    }
}
