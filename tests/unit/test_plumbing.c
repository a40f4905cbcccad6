/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions only pass a request on, by names that real compilers and libraries gave them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "view/view.h"

static void check(const char *const names[], bool wanted)
{
	for (size_t i = 0; names[i]; i++) {
		struct symbol sym = {.function = names[i]};

		if (view_forwards(&sym) != wanted)
			fail_msg("%s: is %sto be passed over", names[i], wanted ? "" : "not ");
	}
}

static void test_kernel(void **state)
{
	static const struct {
		const char *module, *function;
		bool wanted;
	} cases[] = {
		{"[kernel.kallsyms]", "__kvmalloc_node_noprof", true}, {"[kernel.kallsyms]", "__alloc_skb", true},
		{"[ext4]", "kmemdup_nul", true}, {"[kernel.kallsyms]", "alloc_empty_file", false},
		{"[kernel.kallsyms]", "sock_alloc_inode", false}, {"libvm.so", "vmalloc", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct symbol sym = {.module = cases[i].module, .function = cases[i].function};

		if (view_forwards(&sym) != cases[i].wanted)
			fail_msg("%s of %s", cases[i].function, cases[i].module);
	}
}

static void test_rust_is_passed_over(void **state)
{
	static const char *const names[] = {
		/* 1.63 */
		"alloc::alloc::alloc", "alloc::alloc::exchange_malloc", "alloc::alloc::Global::alloc_impl",
		"<alloc::alloc::Global as core::alloc::Allocator>::allocate", "alloc::boxed::Box<T>::new",
		"alloc::raw_vec::RawVec<T,A>::reserve::do_reserve_and_handle", "alloc::raw_vec::finish_grow",
		"alloc::raw_vec::RawVec<T,A>::reserve_for_push", "alloc::vec::Vec<T>::with_capacity",
		"<u8 as alloc::vec::spec_from_elem::SpecFromElem>::from_elem", "alloc::slice::<impl [T]>::to_vec_in",
		"<T as alloc::slice::hack::ConvertVec>::to_vec", "<T as alloc::string::ToString>::to_string",
		"<alloc::string::String as core::convert::From<&str>>::from",
		"<str as alloc::string::ToString>::to_string",
		"core::fmt::num::imp::<impl core::fmt::Display for i32>::fmt",
		"<&mut W as core::fmt::Write>::write_str",
		"<&str as alloc::ffi::c_str::CString::new::SpecNewImpl>::spec_new_impl",
		"core::iter::traits::iterator::Iterator::collect", "hashbrown::raw::RawTableInner<A>::resize_inner",
		"<alloc::vec::Vec<T> as alloc::vec::spec_from_iter::SpecFromIter<T,I>>::from_iter",
		"std::collections::hash::map::HashMap<K,V,S>::insert", "__rust_alloc", "__rdl_alloc",
		"std::sys::unix::alloc::<impl core::alloc::global::GlobalAlloc for std::alloc::System>::alloc",
		"alloc::collections::btree::node::Handle<alloc::collections::btree::node::NodeRef<K,V>>::"
		"insert_recursing",
		/* 1.95 */
		"<alloc::alloc::Global>::alloc_impl_runtime", "<alloc::alloc::Global>::alloc_impl",
		"alloc::boxed::box_new_uninit", "<alloc::boxed::Box<alloc::sync::ArcInner<[u64: 10]>>>::new",
		"<alloc::raw_vec::RawVecInner<_>>::reserve::do_reserve_and_handle::<alloc::alloc::Global>",
		"alloc::raw_vec::RawVecInner<A>::try_allocate_in", "<alloc::vec::Vec<u32>>::push_mut", "<[u8]>::to_vec",
		"<[u8]>::to_vec_in::<alloc::alloc::Global>", "alloc::vec::from_elem::<u8>",
		"<u8 as <[_]>::to_vec_in::ConvertVec>::to_vec::<alloc::alloc::Global>",
		"<&str as <alloc::ffi::c_str::CString>::new::SpecNewImpl>::spec_new_impl",
		"<&A as core::alloc::Allocator>::allocate", "<std::collections::hash::map::HashMap<i32, i32>>::insert",
		"<hashbrown::map::HashMap<i32, i32, std::hash::random::RandomState>>::insert", "__rustc::__rust_alloc",
		"<core::option::Option<&str>>::map_or_else::<alloc::string::String, alloc::fmt::format::{closure#0}>",
		"<std::alloc::System as core::alloc::global::GlobalAlloc>::alloc",
		"<tikv_jemallocator::Jemalloc as core::alloc::global::GlobalAlloc>::alloc",
		/* as they are in the file: both manglings */
		"_ZN5alloc7raw_vec11finish_grow17h0123456789abcdefE",
		"_ZN5alloc5alloc15exchange_malloc17h0123456789abcdefE",
		NULL,
	};

	check(names, true);
}

static void test_rust_of_the_program(void **state)
{
	static const char *const names[] = {
		"many::f_push", "<many::Foo as core::clone::Clone>::clone", "<many::Foo as core::fmt::Display>::fmt",
		"<u8 as many::Encode>::encode", "many::main::{{closure}}", "std::path::Path::_join",
		"<std::path::PathBuf>::push::<&std::path::Path>", "alloc_stats::collect", "core_affinity::get",
		"<T as many::Encode>::encode", "_ZN4many6f_push17h0123456789abcdefE", "std::thread::spawn",
		/* C++, in namespaces of the same names */
		"alloc::arena::grow(unsigned long)", "core::Graph::clone() const", NULL,
	};

	check(names, false);
}

static void test_cxx(void **state)
{
	static const char *const over[] = {
		"operator new(unsigned long)", "operator new[](unsigned long, std::nothrow_t const&)", "operator new",
		"std::__new_allocator<int>::allocate(unsigned long, void const*)", "std::allocator<int>::allocate",
		"std::allocator_traits<std::allocator<int> >::allocate(std::allocator<int>&, unsigned long)",
		"__gnu_cxx::new_allocator<char>::allocate(unsigned long, void const*)",
		"std::_Vector_base<int, std::allocator<int> >::_M_allocate(unsigned long)",
		"std::_Rb_tree<int, int, std::_Identity<int>, std::less<int>, std::allocator<int> >::_M_get_node()",
		"std::__1::allocator<int>::allocate(unsigned long)",
		"std::__1::__libcpp_allocate(unsigned long, unsigned long)",
		"QArrayData::allocate(QArrayData**, long long, long long, long long, QArrayData::AllocationOption)",
		"v8::internal::Malloced::operator new(unsigned long)", "v8::internal::AccountingAllocator::"
		"AllocateSegment(unsigned long)", "char* node::UncheckedMalloc<char>(unsigned long)",
		"std::pair<int, int>* node::Malloc<std::pair<int, int> >(unsigned long)",
		"_ZNSt15__new_allocatorIiE8allocateEmPKv", "_Znwm", "_ZnamRKSt9nothrow_t", NULL,
	};
	static const char *const sites[] = {
		"Pool::operator new(unsigned long)", "operator newton(int)", "_Znoise",
		"std::vector<int, std::allocator<int> >::push_back(int&&)", "my::allocate(int)",
		"standard::allocate(int)",
		"std::function<void (int)>::operator()(int) const", "void my::allocate<std::allocator<int> >(int)",
		"v8::internal::Parser::Parse()", "allocate", NULL,
	};

	check(over, true);
	check(sites, false);
}

static void test_libraries(void **state)
{
	static const char *const over[] = {
		"g_malloc", "g_malloc0", "g_slice_alloc", "apr_palloc", "allocator_alloc", "qMallocAligned",
		"mi_posix_memalign", "mi_reallocarray", "mi_heap_malloc_aligned_at", "runtime.mallocgc",
		"runtime.growslice",
		NULL,
	};
	static const char *const sites[] = {
		"g_strdup", "g_malloc_profile", "apr_pstrdup", "xmalloc", "main", "runtime_init", "mimic", "", NULL,
	};

	check(over, true);
	check(sites, false);
}

/* The runtime is passed over, and its allocator even where nothing else is there. */
static void test_go(void **state)
{
	static const struct {
		const char *name;
		enum view_rank rank;
	} names[] = {
		{"runtime.mallocgc", VIEW_FORWARDS}, {"runtime.mallocgcSmallNoScanSC2", VIEW_FORWARDS},
		{"runtime.newobject", VIEW_FORWARDS}, {"runtime.growsliceBuf", VIEW_FORWARDS},
		{"runtime.mapassign_fast64ptr", VIEW_FORWARDS}, {"runtime.(*hmap).newoverflow", VIEW_FORWARDS},
		{"internal/runtime/maps.newTable", VIEW_FORWARDS},
		{"runtime.malg", VIEW_RUNTIME}, {"runtime.doInit1", VIEW_RUNTIME}, {"runtime.main", VIEW_RUNTIME},
		{"runtime.newproc1", VIEW_RUNTIME}, {"internal/runtime/exithook.Add", VIEW_RUNTIME},
		{"runtime/pprof.StartCPUProfile", VIEW_PROGRAM}, {"main.main", VIEW_PROGRAM},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct symbol sym = {.function = names[i].name};

		if (view_rank(&sym) != names[i].rank)
			fail_msg("%s: rank %d", names[i].name, view_rank(&sym));
	}
}

static void test_names_that_lie(void **state)
{
	static const char *const names[] = {
		"<", "<<<<", "<alloc", "<x as ", "std::", "std::(", "std::<<<<>", "std::a>b>c", "<&&&&&&&", "alloc:",
		NULL,
	};
	struct symbol none = {0};

	for (size_t i = 0; names[i]; i++) {
		struct symbol sym = {.function = names[i]};

		view_forwards(&sym);
	}
	assert_false(view_forwards(&none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_rust_is_passed_over),
		cmocka_unit_test(test_rust_of_the_program),
		cmocka_unit_test(test_cxx),
		cmocka_unit_test(test_libraries),
		cmocka_unit_test(test_go),
		cmocka_unit_test(test_names_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
