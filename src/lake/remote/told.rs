//! What an object store said, in one line for a person: no address of a request, no key, no page of XML.

use std::error::Error as Source;

use delta_kernel::Error as KernelError;
use object_store::Error as StoreError;
use object_store::client::{HttpError, HttpErrorKind};
use url::Url;

use crate::error::Error;

const ACCESS: &str = "give this run the right to list, read, write and delete there; credentials come from the environment or the \
                      machine's role: docs/object-stores.md";
const AGAIN: &str = "nothing unfinished counts: run it again when the store answers";

/// An error of the store as one of the lake.
pub fn told(address: &Url, error: &StoreError) -> Error {
    let (what, hint) = said(error);
    Error::Lake { place: address.to_string(), what, hint: hint.into() }
}

/// The error of a store somewhere below another error: what it said, and what to do next.
pub fn below(error: &(dyn Source + 'static)) -> Option<(String, &'static str)> {
    let found = causes(error).find_map(as_is_or_boxed::<StoreError>)?;
    is_remote(found).then(|| said(found))
}

/// An error and all that lie below it. Delta's kernel names an error of the store as its own text only, so it is asked.
pub fn causes<'e>(error: &'e (dyn Source + 'static)) -> impl Iterator<Item = &'e (dyn Source + 'static)> {
    std::iter::successors(Some(error), |&error: &&'e (dyn Source + 'static)| match as_is_or_boxed(error) {
        Some(KernelError::ObjectStore(below)) => Some(below),
        Some(KernelError::Backtraced { source, .. }) => Some(&**source),
        _ => error.source(),
    })
}

/// Other libraries keep the error in a box of their own.
fn as_is_or_boxed<'e, E: Source + 'static>(error: &'e (dyn Source + 'static)) -> Option<&'e E> {
    error.downcast_ref::<E>().or_else(|| error.downcast_ref::<Box<E>>().map(|error| &**error))
}

/// The local file system speaks for itself.
fn is_remote(error: &StoreError) -> bool {
    matches!(error, StoreError::Generic { store: "S3" | "MicrosoftAzure", .. })
        || chain(error).contains("Error performing")
}

fn said(error: &StoreError) -> (String, &'static str) {
    let text = chain(error);
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["NoSuchBucket", "bucket does not exist", "ContainerNotFound", "container does not exist"]) {
        return ("there is no such bucket or container".into(), "make it first, or mend [lake] path");
    }
    let status = status(&text);
    match error {
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
            return ("the store refuses access".into(), ACCESS);
        }
        StoreError::NotFound { path, .. } => {
            return (format!("{path} is not there"), "onhook lake verify tells what is missing");
        }
        _ if status.is_some_and(|status| status.starts_with("401") || status.starts_with("403")) => {
            return ("the store refuses access".into(), ACCESS);
        }
        _ => {}
    }
    if has(&["credential", "security token", "instance metadata", "managed identity"]) {
        return (format!("no credentials could be had: {}", deepest(error)), ACCESS);
    }
    match status {
        Some(status) => (format!("the store answered {status}"), AGAIN),
        None => (format!("the store cannot be reached: {}", deepest(error)), AGAIN),
    }
}

/// All that the errors above each other say.
fn chain(error: &(dyn Source + 'static)) -> String {
    causes(error).map(|cause| format!("{cause}\n")).collect()
}

/// `503 Service Unavailable`.
fn status(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("status code: ")?;
    let end = after.find([':', '\n']).unwrap_or(after.len());
    Some(after[..end].trim())
}

/// The cause of all causes, in its first line.
fn deepest(error: &(dyn Source + 'static)) -> String {
    let text = causes(error).last().map(ToString::to_string).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let line = line.split(" (os error").next().unwrap_or_default();
    // A cause that has no cause of its own may still name the request it is about.
    line.split_once(" - ").filter(|_| line.contains("://")).map_or(line, |(_, after)| after).to_string()
}

/// Whether a request that failed may have been carried out and is worth another try: the library has tried all others often
/// enough.
pub fn is_cut_off(error: &StoreError) -> Option<HttpErrorKind> {
    match causes(error).find_map(|cause| cause.downcast_ref::<HttpError>())?.kind() {
        HttpErrorKind::Connect | HttpErrorKind::Request => None,
        kind => Some(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> StoreError {
        StoreError::Generic { store: "S3", source: text.to_string().into() }
    }

    #[test]
    fn what_delta_wraps_up_is_found() {
        let busy =
            || generic("Error performing GET http://h/b in 1s - Server returned non-2xx status code: 503 Busy: x");
        let backtrace = Box::new(std::backtrace::Backtrace::force_capture());
        let wrapped = KernelError::Backtraced { source: Box::new(KernelError::ObjectStore(busy())), backtrace };
        for kernel in [KernelError::ObjectStore(busy()), wrapped] {
            let delta = deltalake::DeltaTableError::KernelError(kernel);
            assert_eq!(below(&delta).unwrap().0, "the store answered 503 Busy");
        }
        assert!(below(&deltalake::DeltaTableError::KernelError(KernelError::generic("no store"))).is_none());
    }

    #[test]
    fn an_answer_is_told_by_its_status_and_without_its_address() {
        let error = generic(
            "Error performing GET http://127.0.0.1:9/b?sig=secret in 12s, after 10 retries, max_retries: 10, \
             retry_timeout: 60s  - Server returned non-2xx status code: 503 Service Unavailable: <Error>\n<Code>SlowDown",
        );
        let told = told(&Url::parse("s3://calls/lake").unwrap(), &error).to_string();
        assert_eq!(told, "lake s3://calls/lake: the store answered 503 Service Unavailable");
        let error =
            generic("Error performing GET http://h/b in 1s - Server returned non-2xx status code: 403 Forbidden: x");
        assert_eq!(said(&error).0, "the store refuses access");
        let error = generic("Error performing PUT http://h/b?sig=secret in 1s - timed out");
        assert_eq!(said(&error).0, "the store cannot be reached: timed out");
    }
}
