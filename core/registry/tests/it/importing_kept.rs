//! The copy of an imported file: durable before the file goes, like it, and of nothing that was not imported.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use conclave_registry::import::{self, Kind, Observer, Step};
use conclave_testkit::{Parent, Rerun, TempProject, skipped};

use crate::files::{open_state, variable};
use crate::originals::{STATE, names, write};

/// Writes down each `fsync`: of what, and whether the file and its copy were there by then.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int fsync(int fd) {
    char link[64], path[4096] = "", line[5000], kept[4200];
    const char *log = getenv("SYNC_LOG"), *file = getenv("SYNC_FILE");
    if (log && file) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, path, sizeof path - 1) < 0) path[0] = 0;
        snprintf(kept, sizeof kept, "%s.bak", file);
        int n = snprintf(line, sizeof line, "%d%d %s\n", !access(file, F_OK), !access(kept, F_OK), path);
        int to = open(log, O_WRONLY | O_APPEND | O_CREAT, 0600);
        if (to >= 0) { if (write(to, line, n) < 0) abort(); close(to); }
    }
    return ((int (*)(int)) dlsym(RTLD_NEXT, "fsync"))(fd);
}
"#;

/// The shim as a library; `None` where there is no C compiler, which is said.
fn shim(folder: &Path) -> Option<PathBuf> {
    let (source, library) = (folder.join("shim.c"), folder.join("shim.so"));
    std::fs::write(&source, SHIM).unwrap();
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl").status();
    if !built.is_ok_and(|status| status.success()) {
        skipped("no C compiler here");
        return None;
    }
    Some(library)
}

#[test]
fn the_copy_is_durable_before_the_file_goes_and_so_is_that() {
    const TEST: &str = "importing_kept::the_copy_is_durable_before_the_file_goes_and_so_is_that";
    if let Some(mut parent) = Parent::of_this_process() {
        let folder = PathBuf::from(variable("FOLDER"));
        parent.wait_for_release();
        let state = open_state(&folder);
        import::import_state(&state, &folder.join(".agent-farm/state.json")).unwrap();
        parent.say("done");
        return;
    }
    // Made by this import, or left by one that was killed before it was durable.
    for is_left in [false, true] {
        let project = TempProject::new();
        let folder = project.root().canonicalize().unwrap();
        let Some(library) = shim(&folder) else { return };
        let file = write(&folder, "state.json", STATE);
        if is_left {
            write(&folder, "state.json.bak", STATE);
        }
        let log = folder.join("syncs");
        let mut child = Rerun::of(TEST)
            .variable("FOLDER", folder.display().to_string())
            .variable("LD_PRELOAD", library.display().to_string())
            .variable("SYNC_LOG", log.display().to_string())
            .variable("SYNC_FILE", file.display().to_string())
            .start();
        child.release();
        assert_eq!(child.finish(), ["done"]);
        let text = std::fs::read_to_string(&log).unwrap();
        let farm = file.parent().unwrap().display().to_string();
        let syncs: Vec<(&str, &str)> = text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(_, path)| path.starts_with(&farm))
            .map(|(there, path)| (there, path.strip_prefix(&farm).unwrap_or_default()))
            .collect();
        let (when, copy) = syncs.first().copied().unwrap_or_default();
        assert!(
            if is_left {
                (when, copy) == ("11", "/state.json.bak")
            } else {
                when == "10" && copy.starts_with("/.state.json.conclave-")
            },
            "the copy itself: {syncs:?}"
        );
        assert_eq!(syncs.get(1..), Some(&[("11", ""), ("01", "")][..]), "its name, and the end of the file");
    }
}

#[test]
fn a_file_that_changes_while_it_is_imported_is_left_alone() {
    let folder = TempProject::new();
    let state = open_state(folder.root());
    let file = write(folder.root(), "state.json", STATE);
    let other = STATE.replace("test-util", "other-util");
    let (path, text) = (file.clone(), other.clone());
    let observer = Observer::new(move |step| {
        if step == Step::Committed {
            std::fs::write(&path, &text).unwrap();
        }
    });
    let report = import::import(&state, Kind::State, &file, &observer).unwrap();
    assert_eq!(report.kept_as, None);
    assert!(report.warnings.iter().any(|warning| warning.contains("was changed after")), "{report:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), other);
    assert_eq!(names(file.parent().unwrap()), ["state.json"]);
}

#[test]
fn the_copy_may_be_read_by_whoever_could_read_the_file() {
    for mode in [0o640, 0o600] {
        let folder = TempProject::new();
        let state = open_state(folder.root());
        let file = write(folder.root(), "state.json", STATE);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let kept = import::import_state(&state, &file).unwrap().kept_as.unwrap();
        assert_eq!(std::fs::metadata(kept).unwrap().permissions().mode() & 0o777, mode);
    }
}
