# What `cmake --install` and the wheel hold for C++ users: the library, its headers, find_package(nacre).
# Both trees may be moved: the package file finds everything from its own place.
include(CMakePackageConfigHelpers)

if(SKBUILD)  # the prefix is the Python package's own folder: plain names, the same on every distribution
  set(nacre_libdir lib)
  set(nacre_includedir include)
else()
  include(GNUInstallDirs)
  set(nacre_libdir ${CMAKE_INSTALL_LIBDIR})
  set(nacre_includedir ${CMAKE_INSTALL_INCLUDEDIR})
endif()
set(nacre_cmakedir ${nacre_libdir}/cmake/nacre)

install(TARGETS nacre EXPORT nacreTargets
  LIBRARY DESTINATION ${nacre_libdir} ARCHIVE DESTINATION ${nacre_libdir} RUNTIME DESTINATION bin
  INCLUDES DESTINATION ${nacre_includedir})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/cpp/nacre DESTINATION ${nacre_includedir}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp" PATTERN "*.inc" PATTERN bindings EXCLUDE)
install(EXPORT nacreTargets NAMESPACE nacre:: DESTINATION ${nacre_cmakedir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/nacreConfig.cmake.in ${PROJECT_BINARY_DIR}/nacreConfig.cmake
  INSTALL_DESTINATION ${nacre_cmakedir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/nacreConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/nacreConfig.cmake ${PROJECT_BINARY_DIR}/nacreConfigVersion.cmake
  DESTINATION ${nacre_cmakedir})
