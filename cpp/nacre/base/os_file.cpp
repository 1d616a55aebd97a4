// POSIX files. The order of an atomic write is what makes it one: write, fsync the file, rename, fsync the folder; a crash at any
// point leaves the old file or the new one, whole.
#include "nacre/base/os_file.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nacre/base/error.h"

namespace nacre {

namespace {

// The reason is a full sentence of the system's own: "No such file or directory".
[[noreturn]] void refuse(const char* name, const char* what, const std::string& path, int code) {
  char buffer[128] = "";
  // Two versions of strerror_r exist; one returns the text, the other fills the buffer.
  struct Reason {
    static const char* text(int, const char* filled) { return filled; }
    static const char* text(const char* returned, const char*) { return returned; }
  };
  raise<IoError>(name, ": cannot ", what, " '", path, "': ", Reason::text(strerror_r(code, buffer, sizeof buffer), buffer), ".");
}

// Repeats a call that a signal interrupted.
template <class Call>
auto retry(Call call) {
  for (;;) {
    auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  // Some file systems report a failed write only here. After EINTR the descriptor is gone (Linux), so no repetition.
  [[nodiscard]] bool close() {
    const int fd = std::exchange(fd_, -1);
    return ::close(fd) == 0 || errno == EINTR;
  }

 private:
  int fd_;
};

// Removes the temporary file unless it got its final name.
class Temporary {
 public:
  explicit Temporary(std::string path) : path_(std::move(path)) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (!kept_) ::unlink(path_.c_str());
  }
  [[nodiscard]] const char* path() const { return path_.c_str(); }
  void keep() { kept_ = true; }

 private:
  std::string path_;
  bool kept_ = false;
};

void check_path(const char* name, const std::string& path) {
  if (path.empty()) raise<IoError>(name, ": the path is empty. Name a file.");
  if (path.find('\0') != std::string::npos) raise<IoError>(name, ": the path holds a zero byte. Name a file.");
}

void write_all(int fd, std::span<const std::byte> bytes, const char* name, const std::string& path) {
  constexpr std::size_t most = std::size_t{1} << 30;  // Linux writes at most 2^31 - 4096 bytes a call
  while (!bytes.empty()) {
    const std::size_t piece = bytes.size() < most ? bytes.size() : most;
    const ssize_t done = retry([&] { return ::write(fd, bytes.data(), piece); });
    if (done < 0) refuse(name, "write", path, errno);
    if (done == 0) refuse(name, "write", path, ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
}

}  // namespace

MappedFile MappedFile::open(const std::string& path, const char* name) {
  check_path(name, path);
  // O_NONBLOCK: opening a pipe without a writer would wait forever; it is refused below.
  Descriptor fd(retry([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); }));
  if (fd.get() < 0) refuse(name, "open", path, errno);
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) refuse(name, "examine", path, errno);
  if (S_ISDIR(status.st_mode)) refuse(name, "read", path, EISDIR);
  if (!S_ISREG(status.st_mode)) raise<IoError>(name, ": '", path, "' is not a regular file.");
  MappedFile file;
  file.size_ = static_cast<std::size_t>(status.st_size);
  if (file.size_ > 0) {  // mapping zero bytes is an error
    void* p = ::mmap(nullptr, file.size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (p == MAP_FAILED) {
      file.size_ = 0;
      refuse(name, "map", path, errno);
    }
    file.data_ = static_cast<const std::byte*>(p);
  }
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

void write_file_atomically(const std::string& path, std::span<const std::span<const std::byte>> parts, const char* name) {
  check_path(name, path);
  std::string target = path;
  struct stat old;
  mode_t keep_mode = 0;
  bool exists = ::lstat(path.c_str(), &old) == 0;
  if (exists && S_ISLNK(old.st_mode)) {
    char* real = ::realpath(path.c_str(), nullptr);
    if (!real) refuse(name, "follow the symbolic link", path, errno);
    struct Free {
      char* p;
      ~Free() { std::free(p); }
    } free_real{real};
    target = real;
    exists = ::stat(real, &old) == 0;
  }
  if (exists) {
    if (S_ISDIR(old.st_mode)) refuse(name, "write", path, EISDIR);
    if (!S_ISREG(old.st_mode)) raise<IoError>(name, ": '", path, "' is not a regular file and will not be replaced.");
    keep_mode = old.st_mode & 0777;
  }

  const std::size_t slash = target.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : target.substr(0, slash);
  if (slash + 1 == target.size()) refuse(name, "write", path, EISDIR);  // "folder/"

  // A short name of our own: the user's may already be as long as the file system allows. Left-over files of a crashed process with
  // the same number are stepped over.
  static std::atomic<unsigned> counter{0};
  std::string temporary_path;
  int raw = -1;
  for (int attempt = 0; attempt < 1000 && raw < 0; ++attempt) {
    temporary_path = cat(folder, "/.nacre-", ::getpid(), "-", counter.fetch_add(1), ".tmp");
    raw = retry([&] { return ::open(temporary_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666); });
    if (raw < 0 && errno != EEXIST) refuse(name, "create a file beside", path, errno);
  }
  if (raw < 0) refuse(name, "create a file beside", path, EEXIST);
  Descriptor fd(raw);
  Temporary temporary(std::move(temporary_path));

  if (exists && ::fchmod(fd.get(), keep_mode) != 0) refuse(name, "set the permissions of", path, errno);
  for (const auto& part : parts) write_all(fd.get(), part, name, path);
  if (retry([&] { return ::fsync(fd.get()); }) != 0) refuse(name, "write", path, errno);
  if (!fd.close()) refuse(name, "write", path, errno);
  if (::rename(temporary.path(), target.c_str()) != 0) refuse(name, "rename a file to", path, errno);
  temporary.keep();

  // A folder that may be written but not read cannot be synced; some file systems know no sync of folders (EINVAL).
  Descriptor folder_fd(retry([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (folder_fd.get() >= 0 && retry([&] { return ::fsync(folder_fd.get()); }) != 0 && errno != EINVAL) {
    refuse(name, "make permanent the name of the complete file", path, errno);
  }
}

void write_file_atomically(const std::string& path, std::span<const std::byte> bytes, const char* name) {
  write_file_atomically(path, std::span<const std::span<const std::byte>>(&bytes, 1), name);
}

}  // namespace nacre
