// One handler per error class, the derived ones first.
#include "nacre/base/error_owner.h"

namespace nacre {

namespace {

template <class E>
[[noreturn]] void again(const E& e, std::string_view owner) {
  const std::string_view message = e.what();
  if (message.substr(0, owner.size()) == owner) throw e;
  throw E(cat(owner, ": ", message));
}

}  // namespace

void rethrow_with_owner(std::string_view owner) {
  try {
    throw;
  } catch (const ShapeError& e) {
    again(e, owner);
  } catch (const FormatError& e) {
    again(e, owner);
  } catch (const ValueError& e) {
    again(e, owner);
  } catch (const DTypeError& e) {
    again(e, owner);
  } catch (const TypeError& e) {
    again(e, owner);
  } catch (const IndexError& e) {
    again(e, owner);
  } catch (const StateError& e) {
    again(e, owner);
  } catch (const IoError& e) {
    again(e, owner);
  } catch (const OutOfMemoryError& e) {
    again(e, owner);
  } catch (const Interrupted& e) {
    again(e, owner);
  }
}

}  // namespace nacre
