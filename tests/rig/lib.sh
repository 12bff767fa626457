# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the scripts in this folder share: how they complain, and the cache.
#
# An artefact is a directory that takes minutes and a network to make and is
# read-only afterwards: a sysroot, a QEMU, a root image. It stands in
# $cache/KIND/VERSION; a symbolic link $cache/KIND/use-RECIPE names the version
# that a checkout's recipe (the text of the scripts that make it) resolved to. So
# two checkouts share what is equal and never see each other's half-made work,
# and a filled cache needs no network: only artefact_update() looks for
# newer versions.
#
# Never writes outside of the cache, and never changes an artefact once it is named.

# A function that fails inside $(...) ends the script too.
shopt -s inherit_errexit

rig_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${NESTOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nestor}
export NESTOR_CACHE=$cache
prog=${0##*/}

say() { echo "$prog: $*" >&2; }
die() { say "$*"; exit 1; }

# Debian's own names for its releases: what the machine runs, which fits its
# compiler and its QEMU; what is newest, which the kernel should be (unstable and
# experimental have none that backports lacks for long); and what most people have.
distro_suite()
{
	# shellcheck source=/dev/null
	. /etc/os-release
	[[ ${VERSION_ID:-} ]] && echo "$VERSION_CODENAME" || echo testing
}
# shellcheck disable=SC2034 # for the scripts
newest_suites="trixie-backports testing"
# shellcheck disable=SC2034 # for the scripts
stable_suite=trixie

# need_space MIB WHAT - fail early, in words, rather than late in tar
need_space()
{
	local free
	mkdir -p "$cache" || die "cannot create the cache $cache"
	free=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
	((free >= $1)) ||
		die "no space for $2: $cache has $free MiB free, $1 MiB are needed (NESTOR_CACHE=DIR moves it)"
}

# recipe FILE... - a short name for the text of the scripts an artefact comes from
recipe() { (cd "$rig_dir" && cat "$@") | sha256sum | cut -c1-12; }

# artefact KIND RECIPE MIB VERSIONS MAKE - print the directory, making it if need be
#
# VERSIONS is a function that prints what the artefact depends on in the archive
# (name=version lines); MAKE is a function that fills the directory $1.
# With NESTOR_UPDATE=1 versions are looked up even if something usable is there.
artefact()
{
	local kind=$1 recipe=$2 mib=$3 versions=$4 make=$5 link version tmp
	link=$cache/$kind/use-$recipe
	if [[ ! ${NESTOR_UPDATE:-} && -d $link ]]; then
		touch -h "$link" 2>/dev/null || true # prune() looks
		readlink -f "$link"
		return
	fi
	need_space "$mib" "$kind"
	mkdir -p "$cache/$kind"
	exec 8>"$cache/$kind/lock"
	flock 8
	if [[ ! ${NESTOR_UPDATE:-} && -d $link ]]; then
		readlink -f "$link"
		return
	fi
	version=$("$versions")
	version=$recipe-$(sha256sum <<<"$version" | cut -c1-12)
	if [[ ! -d $cache/$kind/$version ]]; then
		tmp=$(mktemp -d "$cache/$kind/.tmp.XXXXXX")
		# shellcheck disable=SC2064 # the path as it is now
		trap "rm -rf '$tmp'" EXIT
		chmod 755 "$tmp"
		"$make" "$tmp" >&2
		mv -T "$tmp" "$cache/$kind/$version"
		trap - EXIT
	fi
	ln -sfn "$version" "$link.new"
	mv -fT "$link.new" "$link"
	exec 8>&-
	readlink -f "$link"
}

# pack_cpio DIR - the whole of DIR as a newc archive, on standard output
pack_cpio()
{
	(cd "$1" && find . -print0 | LC_ALL=C sort -z |
		cpio -0 -o -H newc -R 0:0 --reproducible --quiet)
}

# pack_qemu RAW OUT TRIPLET - of unpacked packages, what QEMU needs to run anywhere
#
# OUT/qemu starts it through its own loader; no boot ROM, display or sound.
pack_qemu()
{
	local raw=$1 out=$2 lib=$3
	mkdir -p "$out/lib/modules"
	find "$raw"/{,usr/}lib/"$lib" -maxdepth 1 -name '*.so*' \
		-exec cp -P {} "$out/lib" \; 2>/dev/null || true
	find "$raw/usr/lib/$lib/qemu" -name 'accel-*.so' \
		-exec cp {} "$out/lib/modules" \; 2>/dev/null || true
	cp "$raw/usr/bin/qemu-system-aarch64" "$out"
	cp "$(find "$out/lib" -name 'ld-linux-*.so.*')" "$out/ld.so"
	cat >"$out/qemu" <<-'END'
		#!/bin/sh
		d=$(dirname "$0")
		QEMU_MODULE_DIR=$d/lib/modules exec "$d/ld.so" \
			--library-path "$d/lib" "$d/qemu-system-aarch64" "$@"
	END
	chmod +x "$out/qemu"
	rm -r "$raw"
}

# prune - drop what no checkout has used for two months, and old packages
#
# A host that runs has its files open or in memory, and does not mind.
prune()
{
	local link dir
	find "$cache" -mindepth 2 -maxdepth 2 -name 'use-*' -mtime +60 -delete
	for dir in "$cache"/*/*-*/; do
		dir=${dir%/}
		for link in "${dir%/*}"/use-*; do
			[[ $(readlink "$link") != "${dir##*/}" ]] || continue 2
		done
		[[ $dir = "$cache/apt/"* || ! $(find "$dir" -maxdepth 0 -mtime +14) ]] ||
			rm -rf "$dir"
	done
	find "$cache/debs" -name '*.deb' -mtime +30 -delete 2>/dev/null || true
}
