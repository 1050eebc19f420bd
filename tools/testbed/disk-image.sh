# SPDX-License-Identifier: GPL-2.0
#
# Disk images for an emulator, made without root.  Sourced; provides
#
#	disk_image TREE IMAGE LABEL	an ext4 file system with what is in TREE
#	disk_pad IMAGE			round the size up to what is a disk's

# Bochs wants whole cylinders, of 16 heads with 63 sectors.
cylinder=$((16 * 63 * 512))

disk_pad()
{
	truncate -s $((($(stat -c %s "$1") + cylinder - 1) / cylinder * cylinder)) "$1"
}

# Without a journal, as it is never written.  A file takes a block at least; the
# file system's own structures take less than an eighth.
disk_image()
{
	size=$(du -sk --apparent-size "$1" | cut -f1)
	inodes=$(find "$1" | wc -l)
	rm -f "$2"
	truncate -s $(((size + inodes * 4) * 9 / 8 + 4096))K "$2"
	disk_pad "$2"
	mke2fs -q -t ext4 -O ^has_journal,^metadata_csum -m 0 -b 4096 -N $((inodes + 64)) \
		-L "$3" -E root_owner=0:0,nodiscard,lazy_itable_init=1 -d "$1" "$2"
}
