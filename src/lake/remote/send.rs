//! A data file on its way to the store: at one stroke, or in parts, some at a time. What did not get there whole leaves no
//! parts behind. Tries nothing again.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use object_store::path::Path as Location;
use object_store::{Error as StoreError, MultipartUpload, ObjectStore, ObjectStoreExt};

use super::{PART, PARTS_AT_ONCE};
use crate::error::{Error, Result};

pub enum Failed {
    Disk(Error),
    Store(StoreError),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Disk(error)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// # Errors
/// The file cannot be read, or the store does not take it.
pub async fn file(store: &dyn ObjectStore, location: &Location, path: &Path, size: u64) -> Result<(), Failed> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let mut next = || -> Result<Vec<u8>> {
        let mut part = Vec::new();
        (&mut file).take(PART).read_to_end(&mut part).map_err(Error::io(path))?;
        Ok(part)
    };
    if size <= PART {
        store.put(location, next()?.into()).await?;
        return Ok(());
    }
    let mut upload = store.put_multipart(location).await?;
    let sent = in_parts(upload.as_mut(), next).await;
    if sent.is_err() {
        // Nobody sees parts, and somebody pays for them. A store that does not take this either has been told of already.
        let _ = upload.abort().await;
    }
    sent
}

async fn in_parts(upload: &mut dyn MultipartUpload, mut next: impl FnMut() -> Result<Vec<u8>>) -> Result<(), Failed> {
    let mut sending = FuturesUnordered::new();
    loop {
        let part = next()?;
        if part.is_empty() {
            break;
        }
        if sending.len() >= PARTS_AT_ONCE
            && let Some(sent) = sending.next().await
        {
            sent?;
        }
        sending.push(upload.put_part(part.into()));
    }
    while let Some(sent) = sending.next().await {
        sent?;
    }
    upload.complete().await?;
    Ok(())
}
