//! The analyses of earlier runs, so that unchanged files are neither read nor parsed. A cache that
//! is missing, damaged or made with other plugins is ignored, which costs only time.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    analysis::{Analysed, Parsed},
    fingerprint::Fingerprint,
};

/// The cache's path below the target folder.
const FILE: &str = "fal/analysis.bin";
/// The last byte is raised when the format changes.
const MAGIC: &[u8; 8] = b"falc\0\0\0\x01";
/// The number of entries that are decoded together.
const SHARD: usize = 256;

/// A stub at the time when it was last written or compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StubRecord {
    /// Path below the project.
    pub(crate) path: String,
    /// The hash of the content that the stub must have.
    pub(crate) hash: u128,
    /// The fingerprint of the file that had this content.
    pub(crate) fingerprint: Fingerprint,
}

/// The cached facts about a file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    path: String,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) hash: u128,
    pub(crate) parsed: Parsed,
    /// The stub that belongs to exactly this content.
    pub(crate) stub: Option<StubRecord>,
}

#[derive(Serialize)]
struct EntryRef<'a> {
    path: &'a str,
    fingerprint: Fingerprint,
    hash: u128,
    parsed: &'a Parsed,
    stub: Option<&'a StubRecord>,
}

/// The cache of one project.
pub(crate) struct Cache {
    /// The target folder.
    target: PathBuf,
    identity: u128,
    /// When the run that wrote the cache began.
    started: i128,
    entries: HashMap<String, Entry>,
}

impl Cache {
    /// Reads the cache of a project; a cache made with other plugins counts as empty.
    pub(crate) fn read(target: &Path, identity: &str) -> Self {
        let identity = xxh3_128(format!("{}\n{identity}", env!("CARGO_PKG_VERSION")).as_bytes());
        let bytes = fal_files::read(&target.join(FILE), fal_files::DATA).ok();
        let (started, entries) = bytes
            .and_then(|bytes| decode(&bytes, identity))
            .unwrap_or_default();
        Self {
            target: target.to_owned(),
            identity,
            started,
            entries,
        }
    }

    /// Removes and returns a file's entry.
    pub(crate) fn take(&mut self, path: &str) -> Option<Entry> {
        self.entries.remove(path)
    }

    /// Whether a file with this fingerprint may have changed since the cache was written.
    pub(crate) fn is_racy(&self, fingerprint: &Fingerprint) -> bool {
        fingerprint.is_racy(self.started)
    }

    /// Whether entries are left that no file took, because their files are gone.
    pub(crate) fn has_rest(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Writes the analyses of this run. A failure only costs the next run time, so it is not an
    /// error.
    pub(crate) fn write(&self, started: i128, files: &[(&Analysed, Option<&StubRecord>)]) {
        let shards: Vec<Vec<u8>> = files
            .par_chunks(SHARD)
            .map(|chunk| {
                let entries: Vec<_> = chunk
                    .iter()
                    .map(|(file, stub)| EntryRef::new(file, *stub))
                    .collect();
                postcard::to_stdvec(&entries).unwrap_or_default()
            })
            .collect();
        let content = encode(self.identity, started, &shards);
        // A missing cache is valid.
        let _ =
            fal_files::Root::create(&self.target).and_then(|target| target.write(FILE, &content));
    }
}

impl Entry {
    /// Makes the entry of a file that was just parsed.
    pub(crate) fn new(parsed: Parsed, hash: u128, fingerprint: Fingerprint) -> Self {
        Self {
            path: String::new(),
            fingerprint,
            hash,
            parsed,
            stub: None,
        }
    }
}

impl<'a> EntryRef<'a> {
    fn new(file: &'a Analysed, stub: Option<&'a StubRecord>) -> Self {
        Self {
            path: &file.file.path,
            fingerprint: file.file.fingerprint,
            hash: file.hash,
            parsed: &file.parsed,
            stub,
        }
    }
}

/// Writes the magic bytes, a checksum of the rest, the identity and the start, then each shard with
/// its length.
fn encode(identity: u128, started: i128, shards: &[Vec<u8>]) -> Vec<u8> {
    let mut body =
        Vec::with_capacity(40 + shards.iter().map(|shard| shard.len() + 8).sum::<usize>());
    body.extend(identity.to_le_bytes());
    body.extend(started.to_le_bytes());
    for shard in shards {
        body.extend((shard.len() as u64).to_le_bytes());
        body.extend(shard);
    }
    let mut bytes = MAGIC.to_vec();
    bytes.extend(xxh3_128(&body).to_le_bytes());
    bytes.extend(body);
    bytes
}

fn decode(bytes: &[u8], identity: u128) -> Option<(i128, HashMap<String, Entry>)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (checksum, body) = rest.split_first_chunk::<16>()?;
    if u128::from_le_bytes(*checksum) != xxh3_128(body) {
        return None;
    }
    let (found, rest) = body.split_first_chunk::<16>()?;
    let (started, mut rest) = rest.split_first_chunk::<16>()?;
    if u128::from_le_bytes(*found) != identity {
        return None;
    }
    let mut shards = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk::<8>() {
        let (shard, next) =
            behind.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        shards.push(shard);
        rest = next;
    }
    let decoded: Option<Vec<Vec<Entry>>> = shards
        .into_par_iter()
        .map(|shard| postcard::from_bytes(shard).ok())
        .collect();
    let entries = decoded?
        .into_iter()
        .flatten()
        .map(|entry| (entry.path.clone(), entry))
        .collect();
    Some((i128::from_le_bytes(*started), entries))
}
