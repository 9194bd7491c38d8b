//! The C side: a `sqlite3_vfs` that hands watched files to [`super::disk`] and everything else to the VFS that
//! was the default before. All unsafe code of the workspace stands here.
//!
//! A file in a watched folder is a [`ShimFile`] with the real file right behind it. Any other file is opened
//! by the real VFS in the same memory, so the shim is not in its way at all.
#![expect(unsafe_code, reason = "SQLite's VFS is an interface of C")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Once;

use rusqlite::ffi;

use super::disk::{self, OpenFile, Real};
use super::fault::Failure;

/// What SQLite sees as its file. `base` must stand first, and the real file's memory follows the struct.
#[repr(C)]
struct ShimFile {
    base: ffi::sqlite3_file,
    real: *mut ffi::sqlite3_file,
    /// From `Box::into_raw` in `open`, given back in `close`.
    open: *mut OpenFile,
}

/// With shared memory. Version 2: no memory maps, whose reads could not be seen.
static WITH_SHM: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Version 1 ends before the shared memory: SQLite then refuses a write-ahead log.
static WITHOUT_SHM: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods { iVersion: 1, ..WITH_SHM };

/// Makes the shim the default VFS of this process, once.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: a null name asks for the default VFS, which lives as long as the process.
        let real = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
        assert!(!real.is_null(), "SQLite has a default VFS");
        // SAFETY: not null, and a registered VFS is not changed. The copy keeps the methods that are not
        // replaced (time, randomness, path names, system calls): those of SQLite's Unix VFS do not look at
        // the `sqlite3_vfs` that they are called with.
        let mut shim = unsafe { *real };
        let own = c_int::try_from(size_of::<ShimFile>()).expect("a small struct");
        shim.szOsFile += own;
        shim.zName = c"conclave-faults".as_ptr();
        shim.pNext = std::ptr::null_mut();
        shim.pAppData = real.cast();
        shim.xOpen = Some(open);
        shim.xDelete = Some(delete);
        // SAFETY: the struct is leaked, so it is valid for as long as SQLite may use it.
        let code = unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(shim)), 1) };
        assert_eq!(code, ffi::SQLITE_OK, "the shim is registered");
    });
}

/// The VFS below.
///
/// # Safety
/// `vfs` is the one that [`install`] registered.
unsafe fn below(vfs: *mut ffi::sqlite3_vfs) -> *mut ffi::sqlite3_vfs {
    // SAFETY: `install` has put the real VFS there.
    unsafe { (*vfs).pAppData.cast() }
}

/// # Safety
/// `name` is null or ends with a zero byte.
unsafe fn path<'name>(name: *const c_char) -> Option<&'name Path> {
    if name.is_null() {
        return None;
    }
    // SAFETY: not null, and it ends, as the caller says.
    let name = unsafe { CStr::from_ptr(name) };
    Some(Path::new(OsStr::from_bytes(name.to_bytes())))
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls with the VFS that was registered.
    let real_vfs = unsafe { below(vfs) };
    // SAFETY: the real VFS has an open method; `into` has room for its file, and the other arguments are
    // passed on as SQLite gave them (`name` by its pointer: parameters of a URI stand behind it).
    let open_real = |into| unsafe {
        (*real_vfs).xOpen.map_or(ffi::SQLITE_CANTOPEN, |open| open(real_vfs, name, into, flags, out_flags))
    };
    // SAFETY: SQLite's names end with a zero byte.
    let path = unsafe { path(name) };
    let watched = path.filter(|_| flags & ffi::SQLITE_OPEN_DELETEONCLOSE == 0).and_then(disk::watching);
    let (Some(path), Some(watched)) = (path, watched) else { return open_real(file) };
    let shim = file.cast::<ShimFile>();
    // SAFETY: SQLite gives `szOsFile` bytes, aligned for any type: room for `ShimFile` and the real file.
    let real = unsafe { shim.add(1) }.cast::<ffi::sqlite3_file>();
    // SAFETY: as above. Without methods SQLite does not close the file when opening fails.
    unsafe {
        (*file).pMethods = std::ptr::null();
        (*real).pMethods = std::ptr::null();
    }
    let opened = watched.open(path, flags, || match open_real(real) {
        ffi::SQLITE_OK => Ok(Below(real)),
        code => {
            // SAFETY: `real` was given to the real VFS, which may leave methods behind also when it fails;
            // then it wants to be closed.
            unsafe { close_real(real) };
            Err(code)
        }
    });
    match opened {
        Ok(opened) => {
            // SAFETY: `real` was opened, so it has methods.
            let can_share =
                unsafe { (*(*real).pMethods).iVersion >= 2 && (*(*real).pMethods).xShmMap.is_some() };
            let methods = if can_share && watched.has_shared_memory() { &WITH_SHM } else { &WITHOUT_SHM };
            let base = ffi::sqlite3_file { pMethods: methods };
            // SAFETY: there is room for it, see above.
            unsafe { shim.write(ShimFile { base, real, open: Box::into_raw(Box::new(opened)) }) };
            ffi::SQLITE_OK
        }
        Err(code) => code,
    }
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite calls with the VFS that was registered.
    let real = unsafe { below(vfs) };
    // SAFETY: arguments are passed on as SQLite gave them.
    let delete =
        || unsafe { (*real).xDelete.map_or(ffi::SQLITE_IOERR_DELETE, |delete| delete(real, name, sync)) };
    // SAFETY: SQLite's names end with a zero byte.
    match unsafe { path(name) }.and_then(|path| Some((path, disk::watching(path)?))) {
        Some((path, watched)) => watched.delete(path, sync & 1 != 0, delete),
        None => delete(),
    }
}

/// The file below the shim.
struct Below(*mut ffi::sqlite3_file);

/// Calls a method of the real file of a shim file.
macro_rules! below {
    ($real:expr, $method:ident $(, $argument:expr)*) => {{
        let real: *mut ffi::sqlite3_file = $real;
        // SAFETY: the real file is open, so it has methods, which get what SQLite gave to ours.
        match unsafe { (*(*real).pMethods).$method } {
            // SAFETY: the same.
            Some(method) => unsafe { method(real $(, $argument)*) },
            None => ffi::SQLITE_IOERR,
        }
    }};
}

impl Real for Below {
    fn write(&mut self, bytes: &[u8], at: i64) -> i32 {
        below!(self.0, xWrite, bytes.as_ptr().cast(), c_int::try_from(bytes.len()).unwrap_or(0), at)
    }

    fn truncate(&mut self, size: i64) -> i32 {
        below!(self.0, xTruncate, size)
    }

    fn content(&mut self) -> Option<Vec<u8>> {
        let mut size = 0;
        let code = below!(self.0, xFileSize, &raw mut size);
        let mut bytes = vec![0_u8; usize::try_from(size).ok().filter(|_| code == ffi::SQLITE_OK)?];
        let amount = c_int::try_from(bytes.len()).ok()?;
        if amount > 0 && below!(self.0, xRead, bytes.as_mut_ptr().cast(), amount, 0) != ffi::SQLITE_OK {
            return None;
        }
        Some(bytes)
    }
}

/// # Safety
/// `file` was opened by [`open`] as a [`ShimFile`] and is not closed: SQLite calls methods on such only.
unsafe fn parts<'file>(file: *mut ffi::sqlite3_file) -> (&'file OpenFile, Below) {
    let shim = file.cast::<ShimFile>();
    // SAFETY: as the caller says; `open` has put a box there, which `close` alone takes back.
    unsafe { (&*(*shim).open, Below((*shim).real)) }
}

/// # Safety
/// `real` may have methods, then it is open.
unsafe fn close_real(real: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: as the caller says.
    if unsafe { (*real).pMethods.is_null() } {
        return ffi::SQLITE_OK;
    }
    below!(real, xClose)
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let shim = file.cast::<ShimFile>();
    // SAFETY: SQLite closes a file once, and nothing uses it afterwards; the box came from `open`.
    unsafe {
        drop(Box::from_raw((*shim).open));
        close_real((*shim).real)
    }
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, into: *mut c_void, amount: c_int, at: i64) -> c_int {
    // SAFETY: SQLite calls with an open file.
    let (open, real) = unsafe { parts(file) };
    match open.read() {
        None => below!(real.0, xRead, into, amount, at),
        Some((Failure::Short, code)) => {
            let half = amount / 2;
            let real = below!(real.0, xRead, into, half, at);
            let rest = usize::try_from(amount - half).unwrap_or(0);
            // SAFETY: `into` has room for `amount` bytes, of which these are the last.
            unsafe { into.cast::<u8>().add(usize::try_from(half).unwrap_or(0)).write_bytes(0, rest) };
            if real == ffi::SQLITE_OK { code } else { real }
        }
        Some((_, code)) => code,
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    amount: c_int,
    at: i64,
) -> c_int {
    // SAFETY: SQLite calls with an open file.
    let (open, mut real) = unsafe { parts(file) };
    // SAFETY: SQLite gives `amount` bytes that nobody changes meanwhile.
    let bytes =
        unsafe { std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(amount).unwrap_or(0)) };
    open.write(&mut real, bytes, at)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: SQLite calls with an open file.
    let (open, mut real) = unsafe { parts(file) };
    open.truncate(&mut real, size)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: SQLite calls with an open file.
    unsafe { parts(file) }.0.sync()
}

/// Methods that are passed on as they are.
macro_rules! pass_on {
    ($($name:ident => $method:ident($($argument:ident: $kind:ty),*);)*) => {$(
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $argument: $kind)*) -> c_int {
            // SAFETY: SQLite calls with an open file.
            let (_, real) = unsafe { parts(file) };
            below!(real.0, $method $(, $argument)*)
        }
    )*};
}

pass_on! {
    file_size => xFileSize(size: *mut i64);
    lock => xLock(level: c_int);
    unlock => xUnlock(level: c_int);
    check_reserved_lock => xCheckReservedLock(out: *mut c_int);
    file_control => xFileControl(op: c_int, argument: *mut c_void);
    sector_size => xSectorSize();
    device_characteristics => xDeviceCharacteristics();
    shm_map => xShmMap(page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void);
    shm_lock => xShmLock(offset: c_int, count: c_int, flags: c_int);
    shm_unmap => xShmUnmap(delete: c_int);
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: SQLite calls with an open file.
    let (_, real) = unsafe { parts(file) };
    // SAFETY: the real file is open, so it has methods.
    if let Some(barrier) = unsafe { (*(*real.0).pMethods).xShmBarrier } {
        // SAFETY: the same.
        unsafe { barrier(real.0) }
    }
}
