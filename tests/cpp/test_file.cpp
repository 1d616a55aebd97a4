// Files: mapping, and atomic replacement under failures that the test provokes (limits, permissions, missing folders).
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nacre/base/error.h"
#include "nacre/base/os_file.h"

namespace fs = std::filesystem;
using nacre::IoError;
using nacre::MappedFile;

namespace {

// A folder of its own, removed at the end.
struct Folder {
  fs::path path;
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "nacre-test-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { fs::remove_all(path); }
  [[nodiscard]] std::string file(const char* name) const { return (path / name).string(); }
  [[nodiscard]] int count() const {
    int n = 0;
    for (const auto& entry : fs::directory_iterator(path)) n += entry.exists() || entry.is_symlink();
    return n;
  }
};

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string content(const std::string& path) {
  const MappedFile file = MappedFile::open(path);
  return {reinterpret_cast<const char*>(file.data()), file.size()};
}

template <class F>
std::string io_error(F&& f) {
  try {
    f();
  } catch (const IoError& e) {
    return e.what();
  }
  return "";
}

unsigned mode(const std::string& path) {
  struct stat s;
  REQUIRE(::stat(path.c_str(), &s) == 0);
  return s.st_mode & 0777;
}

}  // namespace

TEST_CASE("file: write, replace, map") {
  Folder folder;
  const std::string path = folder.file("a.bin");
  nacre::write_file_atomically(path, bytes("first"));
  CHECK(content(path) == "first");
  const MappedFile old = MappedFile::open(path);
  const std::string_view parts[] = {"se", "", "cond"};
  const std::span<const std::byte> list[] = {bytes(parts[0]), bytes(parts[1]), bytes(parts[2])};
  nacre::write_file_atomically(path, list);
  CHECK(content(path) == "second");
  CHECK(std::string(reinterpret_cast<const char*>(old.data()), old.size()) == "first");  // the mapping keeps the old file
  nacre::write_file_atomically(path, bytes(""));
  CHECK(MappedFile::open(path).size() == 0);
  std::string big(3 << 20, 'x');
  big[12345] = 'y';
  nacre::write_file_atomically(path, bytes(big));
  CHECK(content(path) == big);
  CHECK(folder.count() == 1);
  const fs::path before = fs::current_path();
  fs::current_path(folder.path);  // a name without a folder
  nacre::write_file_atomically("plain", bytes("p"));
  fs::current_path(before);
  CHECK(content(folder.file("plain")) == "p");
  const std::string longest = folder.file(std::string(255, 'n').c_str());
  nacre::write_file_atomically(longest, bytes("l"));
  CHECK(content(longest) == "l");
}

TEST_CASE("file: permission bits follow umask, and an existing file keeps its own") {
  Folder folder;
  const mode_t before = ::umask(027);
  nacre::write_file_atomically(folder.file("new"), bytes("1"));
  CHECK(mode(folder.file("new")) == 0640);
  REQUIRE(::chmod(folder.file("new").c_str(), 0600) == 0);
  ::umask(0);
  nacre::write_file_atomically(folder.file("new"), bytes("2"));
  CHECK(mode(folder.file("new")) == 0600);
  ::umask(before);
}

TEST_CASE("file: a symbolic link stays, its target is replaced") {
  Folder folder;
  fs::create_directory(folder.path / "sub");
  nacre::write_file_atomically(folder.file("sub/target"), bytes("old"));
  fs::create_symlink("sub/target", folder.path / "link");
  nacre::write_file_atomically(folder.file("link"), bytes("new"));
  CHECK(fs::is_symlink(folder.path / "link"));
  CHECK(content(folder.file("sub/target")) == "new");
  fs::create_symlink("nowhere/at/all", folder.path / "broken");
  CHECK(io_error([&] { nacre::write_file_atomically(folder.file("broken"), bytes("x")); }).find("symbolic link") !=
        std::string::npos);
  CHECK(folder.count() == 3);
}

TEST_CASE("file: refusals say what and why, and leave nothing behind") {
  Folder folder;
  const std::string missing = folder.file("no/such/folder.bin");
  CHECK(io_error([&] { nacre::write_file_atomically(missing, bytes("x")); }) ==
        "save: cannot create a file beside '" + missing + "': No such file or directory.");
  CHECK(io_error([&] { (void)MappedFile::open(missing, "load_model"); }) ==
        "load_model: cannot open '" + missing + "': No such file or directory.");
  CHECK(io_error([&] { (void)MappedFile::open(folder.path.string()); }).find("Is a directory") != std::string::npos);
  CHECK(io_error([&] { nacre::write_file_atomically(folder.path.string(), bytes("x")); }).find("Is a directory") !=
        std::string::npos);
  CHECK(io_error([&] { nacre::write_file_atomically(folder.file("x") + "/", bytes("x")); }) != "");
  CHECK(io_error([&] { nacre::write_file_atomically("", bytes("x")); }) == "save: the path is empty. Name a file.");
  CHECK(io_error([&] { nacre::write_file_atomically(std::string("a\0b", 3), bytes("x")); }) != "");
  CHECK(io_error([&] { (void)MappedFile::open(""); }) != "");
  CHECK(io_error([&] { nacre::write_file_atomically("/dev/null", bytes("x")); }).find("not a regular file") != std::string::npos);
  CHECK(io_error([&] { (void)MappedFile::open("/dev/null"); }).find("not a regular file") != std::string::npos);
  REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
  CHECK(io_error([&] { (void)MappedFile::open(folder.file("pipe")); }).find("not a regular file") !=
        std::string::npos);  // and no waiting
  CHECK(io_error([&] { nacre::write_file_atomically(folder.file(std::string(256, 'n').c_str()), bytes("x")); }) != "");
  CHECK(folder.count() == 1);  // the pipe
}

TEST_CASE("file: a write that fails half way leaves the old file and no other") {
  Folder folder;
  const std::string path = folder.file("a.bin");
  nacre::write_file_atomically(path, bytes("old"));
  rlimit before;
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit small = before;
  small.rlim_cur = 100000;  // the write is cut short there, and the next one fails
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string message = io_error([&] { nacre::write_file_atomically(path, bytes(std::string(1 << 20, 'x'))); });
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(message == "save: cannot write '" + path + "': File too large.");
  CHECK(content(path) == "old");
  CHECK(folder.count() == 1);
}
