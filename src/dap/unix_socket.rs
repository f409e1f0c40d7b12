//! A Unix socket to listen on: for its owner only, and gone with its server.

use super::address::{Address, ListenError};
use crate::timeline::processes::sockets;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// A listener that takes its path away with it.
#[derive(Debug)]
pub(super) struct OwnedListener {
    listener: UnixListener,
    path: PathBuf,
}

impl OwnedListener {
    /// The socket appears at its path with its final mode: it is made in a
    /// directory that only the owner can enter, and moved.
    pub(super) fn bind(address: &Address, path: &Path) -> Result<Self, ListenError> {
        make_way(address, path)?;
        let failed = |cause| ListenError::Bind {
            address: address.clone(),
            cause,
        };
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let private = tempfile::Builder::new()
            .prefix(".rr")
            .rand_bytes(4)
            .tempdir_in(parent)
            .map_err(failed)?;
        let hidden = private.path().join("s");
        let listener = sockets::bind(&hidden).map_err(failed)?;
        fs::set_permissions(&hidden, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        fs::rename(&hidden, path).map_err(failed)?;
        let path = path.to_path_buf();
        Ok(OwnedListener { listener, path })
    }

    /// Waits for the next client.
    pub(super) fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().map(|(client, _)| client)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OwnedListener {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// A socket nobody listens on is left from a server that was killed.
fn make_way(address: &Address, path: &Path) -> Result<(), ListenError> {
    match fs::symlink_metadata(path) {
        Err(_) => Ok(()),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            Err(ListenError::NotASocket(address.clone()))
        }
        Ok(_) => match sockets::connect(path) {
            Ok(_) => Err(ListenError::InUse(address.clone())),
            Err(_) => Ok(()),
        },
    }
}
